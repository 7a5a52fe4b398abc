import { PARTITIONS, type Dataset } from './dataset.js';

const VALUE = Buffer.from('small');
/** Per partition. */
const KEYS = 10;

/** Small records that are quick to write, spread evenly over the partitions, with a few alternating keys per partition. */
export function smallDataset(records: number): Dataset {
  return {
    topic: `bench.small-${records}`,
    records,
    maker: () => (index) => ({
      partition: index % PARTITIONS,
      key: smallKey(index % (PARTITIONS * KEYS)),
      value: VALUE,
      headers: {},
    }),
  };
}

/** Returns the nth key, counted from 0. */
export function smallKey(n: number): string {
  return `key-${n}`;
}
