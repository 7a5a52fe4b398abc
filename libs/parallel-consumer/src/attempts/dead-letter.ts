import { errorCode } from '../failure.js';
import type { ConsumedRecord, OutgoingRecord } from '../record.js';

/** Headers of a dead letter; its identity is its origin (topic, partition, offset), whatever is published twice. */
export const DEAD_LETTER_HEADERS = {
  topic: 'dead-letter-origin-topic',
  partition: 'dead-letter-origin-partition',
  offset: 'dead-letter-origin-offset',
  timestamp: 'dead-letter-origin-timestamp',
  errorCode: 'dead-letter-error-code',
  errorMessage: 'dead-letter-error-message',
  attempts: 'dead-letter-attempts',
  /** Bytes of a value that was left out because Kafka refused the letter with it. */
  omitted: 'dead-letter-value-omitted',
  /** Bytes of a key and of headers that were left out besides, as Kafka refused the letter with them. */
  omittedKeyAndHeaders: 'dead-letter-key-and-headers-omitted',
} as const;

const OWN_HEADERS: ReadonlySet<string> = new Set(Object.values(DEAD_LETTER_HEADERS));

const MAX_MESSAGE_CHARACTERS = 1_000;

/**
 * The dead letter of a record: raw key, value and headers as they came, with where it came from and why it failed.
 * It keeps its partition number, so that the dead letters of one key stay in order where the topics are alike.
 */
export function deadLetterOf(record: ConsumedRecord, error: unknown, attempts: number): OutgoingRecord {
  // An empty value for none, which kafkajs can't send. By fromEntries, since an assignment of `__proto__` makes no header.
  const headers = Object.fromEntries(
    Object.entries(record.headers).map(([name, value]) => [name, value ?? Buffer.alloc(0)]),
  );
  const message = error instanceof Error ? error.message : String(error);
  return {
    partition: record.partition,
    key: record.key,
    value: record.value,
    headers: {
      ...headers,
      [DEAD_LETTER_HEADERS.topic]: record.topic,
      [DEAD_LETTER_HEADERS.partition]: String(record.partition),
      [DEAD_LETTER_HEADERS.offset]: String(record.offset),
      [DEAD_LETTER_HEADERS.timestamp]: String(record.timestamp),
      [DEAD_LETTER_HEADERS.errorCode]: errorCode(error),
      [DEAD_LETTER_HEADERS.errorMessage]: message.slice(0, MAX_MESSAGE_CHARACTERS),
      [DEAD_LETTER_HEADERS.attempts]: String(attempts),
    },
  };
}

/** The bytes of a letter's parts, near enough to bound a batch. */
export function letterBytes({ key, value, headers }: OutgoingRecord): number {
  let bytes = (key?.length ?? 0) + (value?.length ?? 0);
  for (const [name, text] of Object.entries(headers)) bytes += name.length + text.length;
  return bytes;
}

/**
 * The next smaller letter of a record that is too large for the dead-letter topic. First its value is left out, then its key
 * and its own headers: its origin and the reason are worth more than a partition that stands still, and what was left out
 * stays on the source topic, at the origin named.
 * @returns undefined when there is nothing more to leave out
 */
export function smallerLetter(letter: OutgoingRecord): OutgoingRecord | undefined {
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
