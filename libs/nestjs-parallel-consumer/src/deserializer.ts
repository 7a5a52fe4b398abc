import type { ConsumedRecord } from '@orders-pipeline/parallel-consumer';

/**
 * Converts a record to the payload that pipes validate and `@Payload()` injects. It may return a promise.
 * When it throws, the record is poison: it is dead-lettered immediately, and the handler does not run. Only a network error, such
 * as an unavailable schema registry, counts as an environment failure: the record is then retried without limit.
 */
export type Deserializer = (record: ConsumedRecord) => unknown;

/**
 * Returns the value's bytes: a `Buffer`, or `null` for a tombstone. Suits Avro and Protobuf. The bytes are a copy, because a
 * record's bytes can be part of the buffer of its whole fetch, which the payload would keep alive.
 */
export const rawValue: Deserializer = ({ value }) => value && Buffer.from(value);

/** Returns no payload, for handlers that only use the `record` of `@Ctx()`: nothing is parsed or copied. */
export const noPayload: Deserializer = () => undefined;

/**
 * The default deserializer: parses the value like Nest's `ServerKafka`, so that its handlers and pipes work unchanged. It returns
 * - `null` for a record without a value (a tombstone)
 * - the raw bytes when the first byte is 0, as in a schema registry's wire format
 * - parsed JSON when the text begins with `{` or `[`
 * - the text otherwise
 *
 * One difference: invalid JSON throws, so the record is dead-lettered. `ServerKafka` passes it to the handler as a string.
 */
export const parsedValue: Deserializer = (record) => {
  const text = record.valueText;
  if (text === null || text.startsWith('\0')) return rawValue(record);
  return text.startsWith('{') || text.startsWith('[') ? (JSON.parse(text) as unknown) : text;
};

/** Thrown when a deserializer fails; `cause` is its error. */
export class DeserializationError extends Error {
  override readonly name = 'DeserializationError';
  readonly code = 'undeserializable';

  constructor(cause: unknown) {
    super(`the value can't be deserialized: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
