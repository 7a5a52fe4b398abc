/** The codecs of Kafka's record batches, by the names that all clients use. */
export const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
export type Codec = (typeof CODECS)[number];

/** A record for a foreign client to write, as raw bytes. */
export interface ForeignRecord {
  readonly partition: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer | null>>;
}

/** A record in the line format of `kafka-console-producer`: text without tabs, commas, colons and line ends. */
export interface TextRecord {
  readonly key: string;
  readonly value: string;
  readonly headers: Readonly<Record<string, string>>;
}

const KEYS = 20;
/** Long and repetitive, so that every codec shrinks a batch: otherwise a client sends it uncompressed. */
const PADDING = ' and its padding'.repeat(10);

/**
 * Returns records of 20 keys on some partitions, from `firstPartition` on. The last ones of each partition are unusual: null, empty and
 * binary fields.
 */
export function sampleRecords(count: number, partitions: number, firstPartition = 0): ForeignRecord[] {
  const ordinary = Array.from({ length: count }, (_, n) => ({
    partition: firstPartition + ((n % KEYS) % partitions),
    key: Buffer.from(`key-${n % KEYS}`),
    value: Buffer.from(`value ${n}${PADDING}`),
    headers: { number: Buffer.from(String(n)), 'content-type': Buffer.from('text/plain') },
  }));
  const unusual = Array.from({ length: partitions }, (_, n) => unusualRecords(firstPartition + n));
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

/** Returns the ordinary records as text without a partition, for `kafka-console-producer`. */
export function sampleTexts(count: number): TextRecord[] {
  return Array.from({ length: count }, (_, n) => ({
    key: `key-${n % KEYS}`,
    value: `value ${n}${PADDING}`,
    headers: { number: String(n), kind: 'text' },
  }));
}
