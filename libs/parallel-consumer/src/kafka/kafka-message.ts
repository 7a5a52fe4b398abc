import type { ConsumedRecord } from '../record.js';
import type { KafkaMessage } from './kafkajs.js';

type Headers = Readonly<Record<string, Buffer | undefined>>;
/** What kafkajs decoded, with one value of bytes for each header. */
interface Slices {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Headers;
}

/**
 * kafkajs's message as the engine's record: slices of its whole fetch, until it is detached.
 *
 * Detached it is one buffer of its own with all of its bytes, from which the parts are cut when they are asked for. Thousands
 * of records wait at once, and the garbage collector copies each of them several times: a buffer for each part, and an
 * object for the headers, were most of what a waiting record weighed.
 */
class FetchedRecord implements ConsumedRecord {
  readonly offset: number;
  private readonly writtenAt: string;
  private slices: Slices | undefined;
  private bytes: Buffer | undefined;
  /** Ends of key, value and headers in `bytes`; where one is null: -1. */
  private ends: readonly number[] | undefined;
  private headerNames: readonly string[] | undefined;

  constructor(
    readonly topic: string,
    readonly partition: number,
    message: KafkaMessage,
  ) {
    this.offset = Number(message.offset);
    this.writtenAt = message.timestamp;
    this.slices = { key: message.key, value: message.value, headers: headersOf(message.headers) };
  }

  get timestamp(): number {
    return Number(this.writtenAt);
  }

  get key(): Buffer | null {
    return this.slices === undefined ? this.part(0) : this.slices.key;
  }

  get value(): Buffer | null {
    return this.slices === undefined ? this.part(1) : this.slices.value;
  }

  get headers(): Headers {
    if (this.slices !== undefined) return this.slices.headers;
    const headers: Record<string, Buffer | undefined> = {};
    for (const [index, name] of (this.headerNames ?? []).entries()) headers[name] = this.part(index + 2) ?? undefined;
    return headers;
  }

  detach(): void {
    if (this.slices === undefined) return;
    const { key, value, headers } = this.slices;
    const names = namesOf(headers);
    const parts = [key, value];
    for (const name of names) parts.push(headers[name] ?? null);
    let end = 0;
    this.ends = parts.map((part) => (part === null ? -1 : (end += part.length)));
    this.bytes = Buffer.concat(parts.filter((part) => part !== null));
    this.headerNames = names;
    this.slices = undefined;
  }

  private part(index: number): Buffer | null {
    const { bytes, ends = [] } = this;
    const end = ends[index] ?? -1;
    if (bytes === undefined || end < 0) return null;
    let before = index - 1;
    while (before >= 0 && ends[before] === -1) before -= 1;
    return bytes.subarray(before < 0 ? 0 : ends[before], end);
  }
}

let lastNames: readonly string[] = [];

/** Of one topic nearly all records have the same headers: one list of their names does for as many as come in a row. */
function namesOf(headers: Headers): readonly string[] {
  let index = 0;
  for (const name in headers) {
    if (lastNames[index] !== name) {
      lastNames = Object.keys(headers);
      return lastNames;
    }
    index += 1;
  }
  if (index !== lastNames.length) lastNames = Object.keys(headers);
  return lastNames;
}

/** Makes each record when its turn comes: made all at once, they would outlive the collections of the young heap. */
export function* fetchedRecords(
  topic: string,
  partition: number,
  messages: readonly KafkaMessage[],
): Generator<ConsumedRecord> {
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
