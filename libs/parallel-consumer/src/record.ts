/** A record as it was read from a partition: raw bytes, nothing decoded. */
export interface ConsumedRecord {
  readonly topic: string;
  readonly partition: number;
  /** Kafka's int64 as a number: offsets stay below 2^53. */
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** The last value where a header is repeated. Each access decodes all headers anew: read them once. */
  readonly headers: Readonly<Record<string, Buffer | undefined>>;
  /** Milliseconds since 1970, as the broker keeps it. */
  readonly timestamp: number;
  /** Bytes of key, value and headers, as the log holds them. */
  readonly byteLength: number;
  /**
   * Gives the record bytes of its own, where it shares those of its whole fetch. Called once the fetch is worked through,
   * for records that aren't finished by then: a single one would hold megabytes. A copy for each record costs a third of a
   * fast handler's rate.
   */
  detach?(): void;
}

const OBJECTS_BYTES = 600;

/** What the record holds in memory, in bytes, near enough to bound the buffer: the payload and the objects round it. */
export function sizeOf({ byteLength }: ConsumedRecord): number {
  return OBJECTS_BYTES + byteLength;
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
  /** Leader epoch of the last record before the offset; left out when unknown. */
  readonly leaderEpoch?: number;
  /** Text that is kept with the commit, at most 4,096 bytes where the broker has its default. */
  readonly metadata?: string;
}
