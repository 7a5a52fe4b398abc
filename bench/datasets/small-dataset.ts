import { PARTITIONS, type Dataset } from './dataset.js';

const VALUE = Buffer.from('small');
/** Of each partition. */
const KEYS = 10;

/** Small records that are quickly written, evenly over the partitions, of a few keys each that take turns. */
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

/** The nth key, counted from 0. */
export function smallKey(n: number): string {
  return `key-${n}`;
}
