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
} as const;

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

/** The letter of a record too large for the dead-letter topic: the value stays on the source topic, at the origin named. */
export function withoutValue(letter: OutgoingRecord): OutgoingRecord {
  const size = letter.value?.length ?? 0;
  return { ...letter, value: null, headers: { ...letter.headers, [DEAD_LETTER_HEADERS.omitted]: String(size) } };
}
