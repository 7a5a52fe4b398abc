import type { ConsumedRecord } from '../../parallel-consumer/src/record.js';

/**
 * Makes of a record what `@Payload()` gives and pipes check. It may return a promise, which is awaited.
 * What it throws is the record's own fault: it is dead-lettered at once, and the handler never sees it. Only a network error
 * (a schema registry away) is the environment's: then the record waits.
 */
export type Deserializer = (record: ConsumedRecord) => unknown;

/**
 * The value as its bytes: a `Buffer`, or `null` for a tombstone. Suits Avro and Protobuf. A copy, since the bytes of a record
 * are part of its whole fetch until the engine gives them a place of their own, and a payload would hold that fetch.
 */
export const rawValue: Deserializer = ({ value }) => value && Buffer.from(value);

/** No payload, for handlers that take `record` of `@Ctx()` alone: nothing is parsed and nothing copied. */
export const noPayload: Deserializer = () => undefined;

const OPENING_BRACE = '{'.charCodeAt(0);
const OPENING_BRACKET = '['.charCodeAt(0);

/**
 * The default: the value as Nest's own `ServerKafka` reads it, so that handlers and pipes written for that go on working.
 * - `null` for a record without a value (a tombstone)
 * - the bytes as they are where the first is 0: a schema registry's wire format
 * - parsed JSON where the text begins with `{` or `[`
 * - all else as text
 *
 * One thing differs: JSON that is broken throws (and so is dead-lettered), where `ServerKafka` hands it over as a string that
 * the handler takes for an object.
 */
export const parsedValue: Deserializer = (record) => {
  const { value } = record;
  if (value === null || value[0] === 0) return rawValue(record);
  const text = value.toString();
  return value[0] === OPENING_BRACE || value[0] === OPENING_BRACKET ? (JSON.parse(text) as unknown) : text;
};

/** A deserializer failed; `cause` is what it threw. */
export class DeserializationError extends Error {
  override readonly name = 'DeserializationError';
  readonly code = 'undeserializable';

  constructor(cause: unknown) {
    super(`the value can't be deserialized: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
