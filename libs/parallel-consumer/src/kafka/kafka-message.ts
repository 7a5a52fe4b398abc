import type { ConsumedRecord } from '../record.js';
import type { KafkaMessage } from './kafkajs.js';

type Headers = Readonly<Record<string, Buffer | undefined>>;

/**
 * kafkajs's message as the engine's record: the message itself, whose parts are slices of its whole fetch, until it is detached.
 *
 * Detached it is one buffer of its own with all of its bytes, from which the parts are cut when they are asked for. Thousands
 * of records wait at once, and the garbage collector copies each of them several times: a buffer for each part, and an
 * object for the headers, were most of what a waiting record weighed.
 */
class FetchedRecord implements ConsumedRecord {
  readonly offset: number;
  private readonly writtenAt: string;
  private bytes: Buffer | undefined;
  /** Ends of key, value and headers in `bytes`; where one is null: -1. */
  private ends: readonly number[] | undefined;
  private headerNames: readonly string[] | undefined;

  constructor(
    readonly topic: string,
    readonly partition: number,
    private message: KafkaMessage | undefined,
  ) {
    this.offset = Number(message?.offset);
    this.writtenAt = message?.timestamp ?? '';
  }

  get timestamp(): number {
    return Number(this.writtenAt);
  }

  get key(): Buffer | null {
    return this.message === undefined ? this.part(0) : this.message.key;
  }

  get value(): Buffer | null {
    return this.message === undefined ? this.part(1) : this.message.value;
  }

  get headers(): Headers {
    if (this.message !== undefined) return lastOfEach(this.message.headers);
    const headers: Record<string, Buffer | undefined> = {};
    for (const [index, name] of (this.headerNames ?? []).entries())
      setHeader(headers, name, this.part(index + 2) ?? undefined);
    return headers;
  }

  detach(): void {
    if (this.message === undefined) return;
    const { key, value } = this.message;
    const { headers } = this;
    const names = namesOf(headers);
    const parts = [key, value];
    for (const name of names) parts.push(headers[name] ?? null);
    let end = 0;
    this.ends = parts.map((part) => (part === null ? -1 : (end += part.length)));
    this.bytes = Buffer.concat(parts.filter((part) => part !== null));
    this.headerNames = names;
    this.message = undefined;
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

/**
 * A fetch's messages as records. Each is made when its turn comes: made all at once, they would outlive the collections of
 * the young heap. No generator, which costs a record more than all that is done for it here.
 */
export class FetchedRecords implements Iterable<ConsumedRecord>, Iterator<ConsumedRecord, undefined> {
  private index = 0;

  constructor(
    private readonly topic: string,
    private readonly partition: number,
    private readonly messages: readonly KafkaMessage[],
  ) {}

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<ConsumedRecord, undefined> {
    const message = this.messages[this.index];
    if (message === undefined) return { done: true, value: undefined };
    this.index += 1;
    return { done: false, value: new FetchedRecord(this.topic, this.partition, message) };
  }
}

/** As they came, where each name has one value of bytes, as almost always; else the last value of each, null being undefined. */
function lastOfEach(headers: KafkaMessage['headers']): Headers {
  for (const name in headers) {
    const value = headers[name];
    // kafkajs hands out null too, whatever its types say. Not Buffer.isBuffer, which costs more than all the rest here.
    if (Array.isArray(value) || typeof value === 'string' || (value as Buffer | null) === null)
      return lastValues(headers);
  }
  return (headers ?? {}) as Headers;
}

function lastValues(headers: NonNullable<KafkaMessage['headers']>): Headers {
  const last: Record<string, Buffer | undefined> = {};
  for (const name in headers) {
    const value = headers[name];
    const one = Array.isArray(value) ? value.at(-1) : value;
    setHeader(last, name, typeof one === 'string' ? Buffer.from(one) : (one ?? undefined));
  }
  return last;
}

/** Whoever may write to the topic chooses the names: assigned, `__proto__` would be no header but another prototype. */
function setHeader(headers: Record<string, Buffer | undefined>, name: string, value: Buffer | undefined): void {
  if (name !== '__proto__') headers[name] = value;
  else Object.defineProperty(headers, name, { value, enumerable: true, configurable: true, writable: true });
}
