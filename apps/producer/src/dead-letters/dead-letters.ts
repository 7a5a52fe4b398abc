import { HttpStatus, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { Collection } from 'mongodb';
import {
  type ConsumedRecord,
  DEAD_LETTER_HEADERS,
  listHeaders,
  type RecordHeader,
} from '@orders-pipeline/parallel-consumer';
import type { RecordReader } from '@orders-pipeline/parallel-consumer/kafkajs';
import { type DeadLetterDocument, deadLettersCollection } from '#orders/dead-letter/dead-letters.js';
import { readRedrive } from '#orders/dead-letter/redrive-headers.js';
import { operationsCollection } from '#orders/operation/operation.js';
import { OrderCodec, UndecodableOrderError } from '#orders/order/order-codec.js';
import { orderResponse } from '#orders/order/order-response.js';
import { type Order, orderViolation } from '#orders/order/order.js';
import { DEAD_LETTER_TOPIC } from '#orders/topics/topics.js';
import { pageOf } from '#service/http/page-of.js';
import { notFound, Problem } from '#service/http/problem.js';
import { Mongo } from '#service/mongodb/mongo.js';
import {
  type DeadLetterGroups,
  type DeadLetterGroupsQuery,
  deadLetterItem,
  type DeadLetterResponse,
  type DeadLettersPage,
  type DeadLettersQuery,
  shownBytes,
  toMongoFilter,
} from './dead-letter-api.js';

/** The original record of a dead letter, with its original headers. */
export interface LetterRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
  /** Timestamp of the letter, in milliseconds since 1970. */
  readonly timestamp: number;
  /** `source`: the value was too large for a letter, and is on the original topic. */
  readonly valueFrom: 'letter' | 'source';
}

/** Why there is no record: Kafka deleted the letter, or the original record whose value was too large for the letter. */
type GoneReason = 'letter-gone' | 'value-gone';

type FoundRecord = LetterRecord | GoneReason;

type Letter = Pick<DeadLetterDocument, '_id' | 'letter'>;

const OWN_HEADERS = new Set<string>(Object.values(DEAD_LETTER_HEADERS));

/** Reads the records of dead letters from Kafka, because MongoDB does not store their bytes. */
@Injectable()
export class LetterRecords implements OnApplicationShutdown {
  constructor(private readonly reader: Pick<RecordReader, 'read' | 'close'>) {}

  /** @returns one record for each letter, by its id. @throws when Kafka is unavailable */
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

/** Whether a letter has this id, by the letter that it was redriven for, or by its origin. */
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

interface Group {
  readonly _id: string;
  readonly count: number;
  readonly operations: readonly (string | null)[];
  readonly redriven: number;
  readonly firstAt: Date;
  readonly lastAt: Date;
  readonly example: { readonly id: string; readonly message: string };
}

/** When a letter failed last: at first, or when a redrive returned it. */
const LAST_FAILED_AT = {
  $max: [
    '$deadLetteredAt',
    {
      $max: {
        $map: {
          input: { $filter: { input: '$tries', cond: { $eq: ['$$this.outcome', 'returned'] } } },
          in: '$$this.endedAt',
        },
      },
    },
  ],
};

/** Reads dead letters for the API. */
@Injectable()
export class DeadLetters {
  private readonly logger = new Logger(DeadLetters.name);

  constructor(
    private readonly mongo: Mongo,
    private readonly records: LetterRecords,
    private readonly codec: OrderCodec,
  ) {}

  /** Groups dead letters by error code, largest group first. */
  async groups({ state, ...filter }: DeadLetterGroupsQuery): Promise<DeadLetterGroups> {
    const groups = await this.collection
      .aggregate<Group>([
        { $match: { state, ...toMongoFilter(filter) } },
        {
          $group: {
            _id: '$error.code',
            count: { $sum: 1 },
            operations: { $addToSet: '$operationId' },
            redriven: { $sum: { $cond: [{ $gt: ['$redrives', 0] }, 1, 0] } },
            firstAt: { $min: '$deadLetteredAt' },
            lastAt: { $max: LAST_FAILED_AT },
            example: { $first: { id: '$_id', message: '$error.message' } },
          },
        },
        { $sort: { count: -1, _id: 1 } },
      ])
      .toArray();
    const items = groups.map(({ _id: errorCode, count, operations, redriven, firstAt, lastAt, example }) => ({
      errorCode,
      count,
      operations: operations.filter((id) => id !== null).length,
      redriven,
      firstAt: firstAt.toISOString(),
      lastAt: lastAt.toISOString(),
      example,
    }));
    return { state, total: items.reduce((sum, { count }) => sum + count, 0), items };
  }

  /** Lists dead letters, ordered by id. */
  async list(query: DeadLettersQuery): Promise<DeadLettersPage> {
    const { state, redriveId, after, pageSize, ...filter } = query;
    const found = await this.collection
      .find({
        ...(state !== undefined && { state }),
        ...(redriveId !== undefined && { 'tries.operationId': redriveId }),
        ...(after !== undefined && { _id: { $gt: after } }),
        ...toMongoFilter(filter),
      })
      .sort({ _id: 1 })
      .limit(pageSize + 1)
      .toArray();
    const { items: letters, hasMore } = pageOf(found, pageSize);
    const last = letters.at(-1);
    const first = await this.firstNumbers(letters);
    return {
      items: letters.map((letter) => deadLetterItem(letter, first)),
      page: { size: pageSize, ...(hasMore && last !== undefined && { next: nextPage(query, last._id) }) },
    };
  }

  /** Returns a dead letter with its bytes and decoded order. @throws Problem 404; 503 when Kafka or the registry is unavailable */
  async byId(id: string): Promise<DeadLetterResponse> {
    const letter = await this.collection.findOne({ _id: id });
    if (letter === null) throw notFound(`There is no dead letter ${id}.`);
    const found = await this.readRecord(letter);
    const item = deadLetterItem(letter, await this.firstNumbers([letter]));
    if (typeof found === 'string') return { ...item, record: null, gone: found, decoded: null, undecodable: null };
    return { ...item, record: shownRecord(found), gone: null, ...(await this.decode(found.value)) };
  }

  /** Returns the number of the first order of each letter's operation. */
  private async firstNumbers(letters: readonly DeadLetterDocument[]): Promise<ReadonlyMap<string, number>> {
    const ids = new Set(letters.flatMap(({ operationId }) => operationId ?? []));
    if (ids.size === 0) return new Map();
    const operations = await operationsCollection(this.mongo.db)
      .find({ _id: { $in: [...ids] } })
      .project<{ _id: string; firstNumber: number }>({ firstNumber: 1 })
      .toArray();
    return new Map(operations.map(({ _id, firstNumber }) => [_id, firstNumber]));
  }

  private async readRecord(letter: DeadLetterDocument): Promise<FoundRecord> {
    try {
      return (await this.records.read([letter])).get(letter._id) ?? 'letter-gone';
    } catch (error) {
      throw this.unavailable('kafka-away', 'Cannot read the dead letter: Kafka is unavailable.', error);
    }
  }

  private unavailable(code: string, detail: string, cause: unknown): Problem {
    this.logger.warn({ reason: String(cause) }, detail);
    return new Problem(HttpStatus.SERVICE_UNAVAILABLE, code, `${detail} Try again in a few seconds.`);
  }

  private async decode(value: Buffer | null): Promise<Pick<DeadLetterResponse, 'decoded' | 'undecodable'>> {
    try {
      await this.learn(value);
      const order = this.codec.read(value);
      const violation = orderViolation(order);
      const undecodable = violation === undefined ? null : { code: 'invalid-order', message: violation };
      return { decoded: shownOrder(order), undecodable };
    } catch (error) {
      if (!(error instanceof UndecodableOrderError)) throw error;
      return { decoded: null, undecodable: { code: error.code, message: error.message } };
    }
  }

  private async learn(value: Buffer | null): Promise<void> {
    try {
      await this.codec.learn(value);
    } catch (error) {
      if (error instanceof UndecodableOrderError) throw error;
      throw this.unavailable(
        'registry-away',
        'Cannot decode the dead letter: the schema registry is unavailable.',
        error,
      );
    }
  }

  private get collection(): Collection<DeadLetterDocument> {
    return deadLettersCollection(this.mongo.db);
  }
}

function nextPage(query: DeadLettersQuery, last: string): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (name !== 'after') parameters.set(name, String(value));
  parameters.set('after', last);
  return `/v1/dead-letters/records?${parameters.toString()}`;
}

function shownRecord({ timestamp, key, value, valueFrom, headers }: LetterRecord): DeadLetterResponse['record'] {
  return {
    timestamp: new Date(timestamp).toISOString(),
    key: key && shownBytes(key),
    value: value && shownBytes(value),
    valueFrom,
    headers: headers.map(([name, bytes]) => ({ name, value: shownBytes(bytes ?? Buffer.alloc(0)) })),
  };
}

/** Returns the order as in the orders API; an invalid `createdAt` becomes `null`. */
function shownOrder(order: Order): Record<string, unknown> {
  if (!Number.isNaN(order.createdAt.getTime())) return orderResponse(order);
  return { ...orderResponse({ ...order, createdAt: new Date(0) }), createdAt: null };
}
