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
  /**
   * Gives the record bytes of its own, where it shares those of its whole fetch. Called once the fetch is worked through,
   * for records that aren't finished by then: a single one would hold megabytes. A copy for each record costs a third of a
   * fast handler's rate.
   */
  detach?(): void;
}

const OBJECTS_BYTES = 600;
const HEADER_BYTES = 100;

/** What the record holds in memory, in bytes, near enough to bound the buffer: the payload and the objects round it. */
export function sizeOf({ key, value, headers }: ConsumedRecord): number {
  let bytes = OBJECTS_BYTES + (key === null ? 0 : key.length) + (value === null ? 0 : value.length);
  // Not Object.entries, which makes three objects for each header of each record.
  for (const name in headers) {
    const header = headers[name];
    bytes += HEADER_BYTES + name.length + (header === undefined ? 0 : header.length);
  }
  return bytes;
}

/** A record to be produced, its partition chosen. */
export interface OutgoingRecord {
  readonly partition: number;
  readonly key: Buffer | string | null;
  readonly value: Buffer | null;
  readonly headers: Record<string, Buffer | string>;
}

/** The next offset that a partition's consumer needs: all below it is done with. */
export interface Position {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Text that is kept with the commit, at most 4,096 bytes where the broker has its default. */
  readonly metadata?: string;
}
