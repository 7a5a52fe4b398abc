/** A record as read from a partition: raw bytes, not decoded. */
export interface ConsumedRecord {
  readonly topic: string;
  readonly partition: number;
  /** Kafka's int64 as a number; assumes that offsets stay below 2^53. */
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /**
   * The value as UTF-8 text, such as JSON, without a Buffer of its own: for a handler that only parses it, that is a tenth of the work.
   * Bytes that are not UTF-8 become U+FFFD. Each access decodes it again.
   */
  readonly valueText: string | null;
  /** The last value of a repeated header. Each access decodes all headers again: read the property once. */
  readonly headers: Readonly<Record<string, Buffer | undefined>>;
  /** Milliseconds since 1970, as stored by the broker. */
  readonly timestamp: number;
  /** Size of key, value and headers in the log, in bytes. */
  readonly byteLength: number;
  /**
   * Copies the record's bytes out of the buffer of its whole fetch. The engine calls it for records that are still unfinished
   * when all records of the fetch have been taken: a single record would otherwise keep megabytes alive. Copying every record
   * would cost a third of a fast handler's rate.
   */
  detach?(): void;
}

const OBJECTS_BYTES = 600;

/** Estimates the memory that a record occupies, in bytes: its payload and its JavaScript objects. */
export function estimateBytes({ byteLength }: ConsumedRecord): number {
  return OBJECTS_BYTES + byteLength;
}

/** A record to produce to a given partition. */
export interface OutgoingRecord {
  readonly partition: number;
  readonly key: Buffer | string | null;
  readonly value: Buffer | null;
  readonly headers: Record<string, Buffer | string>;
}

/** The next offset to read from a partition; all records below it are completed. */
export interface Position {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Leader epoch of the last record before the offset; omitted when unknown. */
  readonly leaderEpoch?: number;
  /** Text stored with the commit; at most 4,096 bytes with the broker's default settings. */
  readonly metadata?: string;
}
