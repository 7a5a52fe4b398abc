import { errorCode } from '../failures/failure.js';
import {
  eachHeader,
  headersToProduce,
  listHeaders,
  type ConsumedRecord,
  type OutgoingRecord,
} from '../records/record.js';

/** Headers of a dead letter. Its origin (topic, partition, offset) identifies it, even if it is published twice. */
export const DEAD_LETTER_HEADERS = {
  topic: 'dead-letter-origin-topic',
  partition: 'dead-letter-origin-partition',
  offset: 'dead-letter-origin-offset',
  timestamp: 'dead-letter-origin-timestamp',
  errorCode: 'dead-letter-error-code',
  errorMessage: 'dead-letter-error-message',
  attempts: 'dead-letter-attempts',
  /** Size of the omitted value in bytes: Kafka rejected the dead letter as too large. */
  omitted: 'dead-letter-value-omitted',
  /** Size of the omitted key and headers in bytes: the dead letter was too large even without its value. */
  omittedKeyAndHeaders: 'dead-letter-key-and-headers-omitted',
} as const;

const OWN_HEADERS: ReadonlySet<string> = new Set(Object.values(DEAD_LETTER_HEADERS));

const MAX_MESSAGE_CHARACTERS = 1_000;

/** Names of the headers that say where a failed record came from, and why it failed. */
type FailureHeaders = Readonly<
  Record<'topic' | 'partition' | 'offset' | 'timestamp' | 'errorCode' | 'errorMessage' | 'attempts', string>
>;

/**
 * Creates the dead letter of a record: its raw key, value and headers, plus its origin and the error.
 * It keeps the partition number, so dead letters of one key stay in order if both topics have the same partitions.
 */
export function toDeadLetter(record: ConsumedRecord, error: unknown, attempts: number): OutgoingRecord {
  return failedCopy(record, DEAD_LETTER_HEADERS, error, attempts);
}

/** Copies a record that failed: its raw key, value and headers, plus its origin and the error under these names. */
export function failedCopy(
  record: ConsumedRecord,
  names: FailureHeaders,
  error: unknown,
  attempts: number,
): OutgoingRecord {
  const message = error instanceof Error ? error.message : String(error);
  return {
    partition: record.partition,
    key: record.key,
    value: record.value,
    headers: {
      ...headersToProduce(listHeaders(record)),
      [names.topic]: record.topic,
      [names.partition]: String(record.partition),
      [names.offset]: String(record.offset),
      [names.timestamp]: String(record.timestamp),
      [names.errorCode]: errorCode(error),
      [names.errorMessage]: message.slice(0, MAX_MESSAGE_CHARACTERS),
      [names.attempts]: String(attempts),
    },
  };
}

/** Returns the approximate size of a dead letter in bytes, accurate enough to limit a batch. */
export function letterBytes({ key, value, headers }: OutgoingRecord): number {
  let bytes = (key?.length ?? 0) + (value?.length ?? 0);
  for (const [name, text] of eachHeader(headers)) bytes += name.length + (text?.length ?? 0);
  return bytes;
}

/**
 * Shrinks a dead letter that is too large for the dead-letter topic: first omits the value, then the key and the record's own headers.
 * A dead letter with only the origin and the error is better than a blocked partition. The source topic still has the omitted parts at
 * the origin.
 * @returns undefined when nothing is left to omit
 */
export function shrinkLetter(letter: OutgoingRecord): OutgoingRecord | undefined {
  const { key, value, headers } = letter;
  if (value !== null)
    return { ...letter, value: null, headers: { ...headers, [DEAD_LETTER_HEADERS.omitted]: String(value.length) } };
  const own = Object.entries(headers).filter(([name]) => OWN_HEADERS.has(name));
  if (key === null && own.length === Object.keys(headers).length) return undefined;
  const bytes = letterBytes(letter) - letterBytes({ ...letter, key: null, headers: Object.fromEntries(own) });
  return {
    ...letter,
    key: null,
    headers: { ...Object.fromEntries(own), [DEAD_LETTER_HEADERS.omittedKeyAndHeaders]: String(bytes) },
  };
}
