import type { ForeignRecord } from './foreign-record.js';
import type { TextRecord } from './java-client.js';

const KEYS = 20;
/** Long and alike, so that every codec makes a batch smaller: a client sends it uncompressed otherwise. */
const PADDING = ' and its padding'.repeat(10);

/** Records of 20 keys on that many partitions, and at the end of each partition the unusual ones: null, empty and binary fields. */
export function sampleRecords(count: number, partitions: number): ForeignRecord[] {
  const ordinary = Array.from({ length: count }, (_, n) => ({
    partition: (n % KEYS) % partitions,
    key: Buffer.from(`key-${n % KEYS}`),
    value: Buffer.from(`value ${n}${PADDING}`),
    headers: { number: Buffer.from(String(n)), 'content-type': Buffer.from('text/plain') },
  }));
  const unusual = Array.from({ length: partitions }, (_, partition) => unusualRecords(partition));
  return [...ordinary, ...unusual.flat()];
}

function unusualRecords(partition: number): ForeignRecord[] {
  const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  return [
    { partition, key: null, value: Buffer.from('without key'), headers: {} },
    { partition, key: Buffer.from('tombstone'), value: null, headers: {} },
    { partition, key: Buffer.alloc(0), value: Buffer.alloc(0), headers: { empty: Buffer.alloc(0) } },
    { partition, key: Buffer.alloc(4), value: everyByte, headers: { binary: everyByte, 'größe €': null } },
  ];
}

/** The ordinary ones as text, without a partition: what `kafka-console-producer` can write. */
export function sampleTexts(count: number): TextRecord[] {
  return Array.from({ length: count }, (_, n) => ({
    key: `key-${n % KEYS}`,
    value: `value ${n}${PADDING}`,
    headers: { number: String(n), kind: 'text' },
  }));
}
