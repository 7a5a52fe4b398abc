/** A record as it was read from a partition: raw bytes, nothing decoded. */
export interface ConsumedRecord {
  readonly topic: string;
  readonly partition: number;
  /** Kafka's int64 as a number: offsets stay below 2^53. */
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** The last value where a header is repeated. */
  readonly headers: Readonly<Record<string, Buffer | undefined>>;
  /** Milliseconds since 1970, as the broker keeps it. */
  readonly timestamp: number;
}

const OBJECTS_BYTES = 600;
const HEADER_BYTES = 100;

/** What the record holds in memory, in bytes, near enough to bound the buffer: the payload and the objects round it. */
export function sizeOf(record: ConsumedRecord): number {
  let bytes = OBJECTS_BYTES + (record.key?.length ?? 0) + (record.value?.length ?? 0);
  for (const [name, value] of Object.entries(record.headers))
    bytes += HEADER_BYTES + name.length + (value?.length ?? 0);
  return bytes;
}

/** The next offset that a partition's consumer needs: all below it is done with. */
export interface Position {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Text that is kept with the commit, at most 4,096 bytes where the broker has its default. */
  readonly metadata?: string;
}
