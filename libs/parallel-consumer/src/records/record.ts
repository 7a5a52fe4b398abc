/** The name and the value of a header that was read; `null`: it has no value. */
export type RecordHeader = readonly [name: string, value: Buffer | null];

/** The value of a header to produce; `null`: none. */
export type HeaderValue = Buffer | string | null;

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
  /** All headers in their order, also repeated ones. Each access decodes them again. Without it, `headers` has all. */
  readonly headerList?: readonly RecordHeader[];
  /** Whether it has a header of this name, of ASCII characters. Much cheaper than `headers`, which has the same answer. */
  hasHeader?(name: string): boolean;
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
  /** By name; a list for a repeated header. */
  readonly headers: Readonly<Record<string, HeaderValue | readonly HeaderValue[]>>;
}

/** Returns all headers of a record in their order, also repeated ones and those without a value. */
export function listHeaders({
  headers,
  headerList = Object.entries(headers).map(([name, value]) => [name, value ?? null]),
}: Pick<ConsumedRecord, 'headers' | 'headerList'>): readonly RecordHeader[] {
  return headerList;
}

/** Returns headers that were read as headers to produce. */
export function headersToProduce(list: readonly RecordHeader[]): Record<string, readonly HeaderValue[]> {
  const byName = [...Map.groupBy(list, ([name]) => name)];
  // `fromEntries` also handles a header named `__proto__`.
  return Object.fromEntries(byName.map(([name, all]) => [name, all.map(([, value]) => value)]));
}

/** Whether a header to produce is repeated. */
export function isRepeated(value: OutgoingRecord['headers'][string] | undefined): value is readonly HeaderValue[] {
  return Array.isArray(value);
}

/** Returns the headers to produce one by one. */
export function eachHeader(headers: OutgoingRecord['headers']): (readonly [name: string, value: HeaderValue])[] {
  return Object.entries(headers).flatMap(([name, value]) =>
    (isRepeated(value) ? value : [value]).map((each) => [name, each] as const),
  );
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
