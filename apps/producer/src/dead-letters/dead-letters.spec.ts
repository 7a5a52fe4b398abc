import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { DeadLetterDocument } from '#orders/dead-letter/dead-letters.js';
import type { OrderCodec } from '#orders/order/order-codec.js';
import { type ConsumedRecord, DEAD_LETTER_HEADERS, type RecordHeader } from '@orders-pipeline/parallel-consumer';
import type { Mongo } from '#service/mongodb/mongo.js';
import { deadLetterItem } from './dead-letter-response.js';
import { DeadLetters } from './dead-letters.js';
import { LetterRecords } from './letter-records.js';

const ID = 'orders.v1/3/4711';

const LETTER = {
  _id: ID,
  state: 'pending',
  origin: { topic: 'orders.v1', partition: 3, offset: 4_711, timestamp: new Date(0) },
  letter: { partition: 0, offset: 7 },
  operationId: null,
  index: null,
  error: { code: 'conflict', message: 'another order has its number' },
  attempts: 1,
  deadLetteredAt: new Date(0),
} as unknown as DeadLetterDocument;

const RECORD: ConsumedRecord = {
  topic: 'orders.v1.dead-letter',
  partition: 0,
  offset: 7,
  timestamp: 0,
  byteLength: 0,
  key: Buffer.from('account'),
  value: Buffer.from('value'),
  valueText: 'value',
  headers: {
    [DEAD_LETTER_HEADERS.topic]: Buffer.from('orders.v1'),
    [DEAD_LETTER_HEADERS.partition]: Buffer.from('3'),
    [DEAD_LETTER_HEADERS.offset]: Buffer.from('4711'),
  },
};

function deadLetters(read: () => Promise<Map<number, ConsumedRecord>>, learn: () => Promise<void>): DeadLetters {
  const collection = { findOne: async () => Promise.resolve(LETTER) };
  const mongo = { db: { collection: () => collection } } as unknown as Mongo;
  const records = new LetterRecords({ read, close: async () => Promise.resolve() });
  return new DeadLetters(mongo, records, { learn } as unknown as OrderCodec);
}

async function readable(): Promise<Map<number, ConsumedRecord>> {
  return Promise.resolve(new Map([[RECORD.offset, RECORD]]));
}

async function broken(): Promise<never> {
  return Promise.reject(new Error('connect ECONNREFUSED'));
}

describe('a dead letter', () => {
  it('has the number of its order if its operation is known', () => {
    const letter = { ...LETTER, operationId: 'one', index: 4 };
    const numberIn = (firstNumbers: [string, number][]) => deadLetterItem(letter, new Map(firstNumbers)).number;
    expect([numberIn([['one', 4_708]]), numberIn([['other', 1]])]).toEqual([4_712, null]);
    expect(deadLetterItem(LETTER, new Map([['one', 1]])).number).toBeNull();
  });
});

describe('the record of a dead letter', () => {
  it('has its own headers only, also repeated ones and those without a value', async () => {
    const own = Object.entries(RECORD.headers).map(([name, value]): RecordHeader => [name, value ?? null]);
    const headers: readonly RecordHeader[] = [
      ['trace', Buffer.from('a')],
      ['trace', Buffer.from('b')],
      ['none', null],
    ];
    const read = async () => new Map([[RECORD.offset, { ...RECORD, headerList: [...headers, ...own] }]]);
    const found = await new LetterRecords({ read, close: async () => undefined }).read([LETTER]);
    expect(found.get(ID)).toMatchObject({ headers, valueFrom: 'letter' });
  });
});

describe('reading a dead letter', () => {
  beforeAll(() => Logger.overrideLogger(false));
  afterAll(() => Logger.overrideLogger(['log']));

  it('fails with 503 while Kafka is unavailable', async () => {
    await expect(deadLetters(broken, async () => Promise.resolve()).byId(ID)).rejects.toMatchObject({
      status: 503,
      code: 'kafka-away',
    });
  });

  it('fails with 503 while the schema registry is unavailable', async () => {
    await expect(deadLetters(readable, broken).byId(ID)).rejects.toMatchObject({ status: 503, code: 'registry-away' });
  });
});
