import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { type ConsumedRecord, DEAD_LETTER_HEADERS, type RecordHeader } from '@orders-pipeline/parallel-consumer';
import type { DeadLetterDocument } from '#orders/dead-letter/dead-letters.js';
import type { OrderCodec } from '#orders/order/order-codec.js';
import type { Mongo } from '#service/mongodb/mongo.js';
import { deadLetterItem } from './dead-letter-api.js';
import { DeadLettersController } from './dead-letters.controller.js';
import { LetterRecords } from './letter-records.js';

const LETTER = {
  _id: 'orders.v1/3/4711',
  state: 'pending',
  origin: { topic: 'orders.v1', partition: 3, offset: 4_711, timestamp: new Date(0) },
  letter: { partition: 0, offset: 7 },
  operationId: null,
  index: null,
  error: { code: 'conflict', message: 'another order has its number' },
  attempts: 1,
  deadLetteredAt: new Date(0),
} as unknown as DeadLetterDocument;

const RECORD = {
  ...LETTER.letter,
  timestamp: 0,
  key: Buffer.from('account'),
  value: Buffer.from('value'),
  headers: {
    [DEAD_LETTER_HEADERS.topic]: Buffer.from('orders.v1'),
    [DEAD_LETTER_HEADERS.partition]: Buffer.from('3'),
    [DEAD_LETTER_HEADERS.offset]: Buffer.from('4711'),
  },
} as unknown as ConsumedRecord;

/** Returns the records of dead letters in a Kafka that has this one. */
function recordsWith(record: ConsumedRecord): LetterRecords {
  return new LetterRecords({ read: async () => new Map([[7, record]]), close: async () => undefined });
}

describe('a dead letter', () => {
  it.each([
    ['has the number of its order if its operation is known', { operationId: 'one', index: 4 }, 4_712],
    ['has no number if its operation is not known', { operationId: 'other', index: 4 }, null],
    ['has no number without an operation', {}, null],
  ])('%s', (_, change, number) => {
    expect(deadLetterItem({ ...LETTER, ...change }, new Map([['one', 4_708]])).number).toBe(number);
  });

  it('has the headers of its record only, also repeated ones and those without a value', async () => {
    const own = Object.entries(RECORD.headers).map(([name, value]): RecordHeader => [name, value ?? null]);
    const headers: RecordHeader[] = [
      ['trace', Buffer.from('a')],
      ['trace', Buffer.from('b')],
      ['none', null],
    ];
    const found = await recordsWith({ ...RECORD, headerList: [...headers, ...own] }).read([LETTER]);
    expect(found.get(LETTER._id)).toMatchObject({ headers, valueFrom: 'letter' });
  });
});

async function broken(): Promise<never> {
  throw new Error('connect ECONNREFUSED');
}

describe('reading a dead letter', () => {
  beforeAll(() => Logger.overrideLogger(false));
  afterAll(() => Logger.overrideLogger(['log']));

  const withoutKafka = new LetterRecords({ read: broken, close: async () => undefined });

  it.each([
    ['Kafka', 'kafka-away', withoutKafka, { learn: async () => undefined }],
    ['the schema registry', 'registry-away', recordsWith(RECORD), { learn: broken }],
  ])('fails with 503 while %s is unavailable: %s', async (_, code, records, codec) => {
    const db = { collection: () => ({ findOne: async () => LETTER }) };
    const letters = new DeadLettersController({ db } as unknown as Mongo, records, codec as unknown as OrderCodec);
    await expect(letters.getDeadLetter('orders.v1', '3', '4711')).rejects.toMatchObject({ status: 503, code });
  });
});
