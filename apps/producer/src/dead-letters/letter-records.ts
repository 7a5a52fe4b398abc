import type { OnApplicationShutdown } from '@nestjs/common';
import {
  type ConsumedRecord,
  DEAD_LETTER_HEADERS,
  listHeaders,
  type RecordHeader,
} from '@orders-pipeline/parallel-consumer';
import type { RecordReader } from '@orders-pipeline/parallel-consumer/kafkajs';
import { type DeadLetterDocument, readRedrive } from '#orders/dead-letter/dead-letters.js';
import { DEAD_LETTER_TOPIC } from '#orders/topics/topics.js';

/** The original record of a dead letter, with its original headers. */
export interface LetterRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
  /** Timestamp of the dead letter, in milliseconds since 1970. */
  readonly timestamp: number;
  /** `source`: the value was too large for a dead letter, and is on the original topic. */
  readonly valueFrom: 'letter' | 'source';
}

/** Why there is no record: Kafka deleted the dead letter, or the original record whose value was too large for the dead letter. */
type GoneReason = 'letter-gone' | 'value-gone';

export type FoundRecord = LetterRecord | GoneReason;

type Letter = Pick<DeadLetterDocument, '_id' | 'letter'>;

const OWN_HEADERS = new Set<string>(Object.values(DEAD_LETTER_HEADERS));

/** Reads the records of dead letters from Kafka, because MongoDB does not store their bytes. */
export class LetterRecords implements OnApplicationShutdown {
  constructor(private readonly reader: Pick<RecordReader, 'read' | 'close'>) {}

  /** @returns one record for each dead letter, by its id. @throws when Kafka is unavailable */
  async read(letters: readonly Letter[]): Promise<Map<string, FoundRecord>> {
    const found = new Map<string, FoundRecord>();
    for (const [partition, own] of Map.groupBy(letters, ({ letter }) => letter.partition)) {
      const offsets = own.map(({ letter }) => letter.offset);
      const records = await this.reader.read(DEAD_LETTER_TOPIC, partition, offsets);
      for (const { _id, letter } of own) found.set(_id, await this.toRecord(_id, records.get(letter.offset)));
    }
    return found;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.reader.close();
  }

  private async toRecord(id: string, letter: ConsumedRecord | undefined): Promise<FoundRecord> {
    // If Kafka's data was recreated but MongoDB's was not, another record has this offset.
    if (letter === undefined || !hasId(id, letter.headers)) return 'letter-gone';
    const { key, timestamp } = letter;
    const record = { key, timestamp, headers: originalHeaders(letter) };
    if (letter.headers[DEAD_LETTER_HEADERS.omitted] === undefined)
      return { ...record, value: letter.value, valueFrom: 'letter' };
    const source = await this.readSource(letter.headers);
    return source === undefined ? 'value-gone' : { ...record, value: source.value, valueFrom: 'source' };
  }

  private async readSource(headers: ConsumedRecord['headers']): Promise<ConsumedRecord | undefined> {
    const text = (name: keyof typeof DEAD_LETTER_HEADERS) => headers[DEAD_LETTER_HEADERS[name]]?.toString();
    const [topic, partition, offset] = [text('topic'), Number(text('partition')), Number(text('offset'))];
    if (topic === undefined || !Number.isSafeInteger(partition) || !Number.isSafeInteger(offset)) return undefined;
    return (await this.reader.read(topic, partition, [offset])).get(offset);
  }
}

/** Whether a dead letter has this id, by the dead letter that it was redriven for, or by its origin. */
function hasId(id: string, headers: ConsumedRecord['headers']): boolean {
  const origin = (['topic', 'partition', 'offset'] as const).map((name) =>
    headers[DEAD_LETTER_HEADERS[name]]?.toString(),
  );
  return (readRedrive(headers)?.letterId ?? origin.join('/')) === id;
}

/** Returns the record's original headers, without the dead-letter headers. */
function originalHeaders(letter: ConsumedRecord): readonly RecordHeader[] {
  return listHeaders(letter).filter(([name]) => !OWN_HEADERS.has(name));
}
