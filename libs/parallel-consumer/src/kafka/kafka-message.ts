import type { ConsumedRecord } from '../record.js';
import type { KafkaMessage } from './kafkajs.js';

type Headers = Readonly<Record<string, Buffer | undefined>>;

/** kafkajs's message as the engine's record. Its bytes are slices of the whole fetch until it is detached. */
class FetchedRecord implements ConsumedRecord {
  readonly offset: number;
  key: Buffer | null;
  value: Buffer | null;
  headers: Headers;
  private readonly writtenAt: string;

  constructor(
    readonly topic: string,
    readonly partition: number,
    message: KafkaMessage,
  ) {
    this.offset = Number(message.offset);
    this.writtenAt = message.timestamp;
    this.key = message.key;
    this.value = message.value;
    this.headers = headersOf(message.headers);
  }

  get timestamp(): number {
    return Number(this.writtenAt);
  }

  detach(): void {
    this.key = this.key && Buffer.from(this.key);
    this.value = this.value && Buffer.from(this.value);
    const headers: Record<string, Buffer | undefined> = {};
    for (const name in this.headers) {
      const value = this.headers[name];
      headers[name] = value && Buffer.from(value);
    }
    this.headers = headers;
  }
}

/** Makes each record when its turn comes: made all at once, they would outlive the collections of the young heap. */
export function* fetchedRecords(
  topic: string,
  partition: number,
  messages: readonly KafkaMessage[],
): Generator<FetchedRecord> {
  for (const message of messages) yield new FetchedRecord(topic, partition, message);
}

/** As they came, where each name has one value of bytes, as almost always. */
function headersOf(headers: KafkaMessage['headers']): Headers {
  for (const name in headers) {
    const value = headers[name];
    if (Array.isArray(value) || typeof value === 'string') return lastOfEach(headers);
  }
  return (headers ?? {}) as Headers;
}

function lastOfEach(headers: NonNullable<KafkaMessage['headers']>): Headers {
  const last: Record<string, Buffer | undefined> = {};
  for (const name in headers) {
    const value = headers[name];
    const one = Array.isArray(value) ? value.at(-1) : value;
    last[name] = typeof one === 'string' ? Buffer.from(one) : one;
  }
  return last;
}
