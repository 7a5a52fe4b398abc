import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { DeadLetterDocument } from '#orders/dead-letters.js';
import { readRedrive } from '#orders/redrive-headers.js';
import { DEAD_LETTER_TOPIC } from '#orders/topics.js';
import { DEAD_LETTER_HEADERS } from '#parallel-consumer/attempts/dead-letter.js';
import type { RecordReader } from '#parallel-consumer/kafka/record-reader.js';
import type { ConsumedRecord } from '#parallel-consumer/record.js';

/** What is left of the record that failed: as it was, with the headers that it came with. */
export interface LetterRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer>>;
  /** Milliseconds since 1970, of the letter. */
  readonly timestamp: number;
  /** `source`: it was too large for a letter, and stands on the topic that it failed on. */
  readonly valueFrom: 'letter' | 'source';
}

/** Why there is no record any more: Kafka has deleted the letter, or the value that was too large for it. */
export type GoneReason = 'letter-gone' | 'value-gone';

export type FoundRecord = LetterRecord | GoneReason;

type Letter = Pick<DeadLetterDocument, '_id' | 'letter'>;

const OWN_HEADERS = new Set<string>(Object.values(DEAD_LETTER_HEADERS));

/** Reads the records of dead letters back from Kafka: MongoDB keeps what is known of them, not their bytes. */
@Injectable()
export class LetterRecords implements OnApplicationShutdown {
  constructor(private readonly reader: Pick<RecordReader, 'read' | 'close'>) {}

  /** @returns one for each letter, by its id. @throws when Kafka doesn't answer */
  async read(letters: readonly Letter[]): Promise<Map<string, FoundRecord>> {
    const found = new Map<string, FoundRecord>();
    for (const [partition, own] of Map.groupBy(letters, ({ letter }) => letter.partition)) {
      const offsets = own.map(({ letter }) => letter.offset);
      const records = await this.reader.read(DEAD_LETTER_TOPIC, partition, offsets);
      for (const { _id, letter } of own) found.set(_id, await this.recordOf(_id, records.get(letter.offset)));
    }
    return found;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.reader.close();
  }

  private async recordOf(id: string, letter: ConsumedRecord | undefined): Promise<FoundRecord> {
    // Another stands there where Kafka's data were made anew, and MongoDB's were not.
    if (letter === undefined || !isOf(id, letter.headers)) return 'letter-gone';
    const { key, timestamp } = letter;
    const record = { key, timestamp, headers: ownHeaders(letter.headers) };
    if (letter.headers[DEAD_LETTER_HEADERS.omitted] === undefined)
      return { ...record, value: letter.value, valueFrom: 'letter' };
    const source = await this.sourceOf(letter.headers);
    return source === undefined ? 'value-gone' : { ...record, value: source.value, valueFrom: 'source' };
  }

  private async sourceOf(headers: ConsumedRecord['headers']): Promise<ConsumedRecord | undefined> {
    const text = (name: keyof typeof DEAD_LETTER_HEADERS) => headers[DEAD_LETTER_HEADERS[name]]?.toString();
    const [topic, partition, offset] = [text('topic'), Number(text('partition')), Number(text('offset'))];
    if (topic === undefined || !Number.isSafeInteger(partition) || !Number.isSafeInteger(offset)) return undefined;
    return (await this.reader.read(topic, partition, [offset])).get(offset);
  }
}

/** Its origin names it, or the letter that it was sent again for. */
function isOf(id: string, headers: ConsumedRecord['headers']): boolean {
  const origin = (['topic', 'partition', 'offset'] as const).map((name) =>
    headers[DEAD_LETTER_HEADERS[name]]?.toString(),
  );
  return (readRedrive(headers)?.letterId ?? origin.join('/')) === id;
}

/** Those that the record came with, not those that say why it failed. */
function ownHeaders(headers: ConsumedRecord['headers']): Record<string, Buffer> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      OWN_HEADERS.has(name) ? [] : [[name, value ?? Buffer.alloc(0)] as const],
    ),
  );
}
