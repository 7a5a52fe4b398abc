import { describe, expect, it } from '@jest/globals';
import { type BulkWriteResult, Long, MongoBulkWriteError, UUID } from 'mongodb';
import { Registry } from 'prom-client';
import { type OrderDocument, toDocument } from '#orders/order/order-document.js';
import { anOrder } from '#orders/testing/an-order.js';
import { samples } from '#service/health/testing/samples.js';
import type { Mongo } from '#service/mongodb/mongo.js';
import { insertOrders, type InsertResult, measuredInsert } from './bulk-insert.js';

const INGEST = { operationId: null, partition: 0, offset: Long.ZERO, attempts: 1, savedAt: new Date(0) };
const DOCUMENT = toDocument(anOrder({ number: 4 }), INGEST);

/** Inserts the document into a MongoDB that rejects it as a duplicate in this index, and returns `stored` for majority reads. */
async function insertDuplicate(index: string, ...stored: OrderDocument[]): Promise<readonly InsertResult[]> {
  const error = { message: `E11000 index: ${index}`, code: 11_000 };
  const collection = {
    insertMany: async (documents: readonly OrderDocument[]) => {
      const writeErrors = documents.map((_, at) => ({ index: at, code: error.code, errmsg: error.message }));
      const result = { getWriteConcernError: () => undefined } as unknown as BulkWriteResult;
      throw new MongoBulkWriteError({ ...error, writeErrors: writeErrors as never }, result);
    },
    find: () => ({ toArray: async () => Promise.resolve(stored) }),
  };
  return insertOrders({ db: { collection: () => collection } } as unknown as Mongo, [DOCUMENT]);
}

describe('an insert that MongoDB rejects as a duplicate', () => {
  it.each<[string, string, OrderDocument, InsertResult | object]>([
    ['is repeated if a majority has the same order', '_id_', DOCUMENT, { kind: 'repeated' }],
    [
      'is a conflict if a majority has its number with another id',
      'number',
      { ...DOCUMENT, _id: new UUID() },
      { kind: 'conflict', reason: 'another order has number 4' },
    ],
    [
      'is a conflict if a majority has its id with different content',
      '_id_',
      { ...DOCUMENT, symbol: 'OTHER' },
      { kind: 'conflict', reason: expect.any(String) },
    ],
  ])('%s', async (_, index, stored, result) => {
    expect(await insertDuplicate(index, stored)).toEqual([result]);
  });

  it.each(['_id_', 'number'])(
    'is uncertain if a majority has neither its id nor its number yet, for either index in the message (%s)',
    async (index) => {
      await expect(insertDuplicate(index)).rejects.toMatchObject({ code: 'bulk-uncertain' });
    },
  );
});

describe('a measured insert', () => {
  it('counts orders by result, and returns the results', async () => {
    const registry = new Registry();
    const kinds = ['saved', 'saved', 'repeated', 'conflict', 'replayed'] as const;
    const results = kinds.map((kind): InsertResult => ({ kind, reason: 'another order' }));
    expect(await measuredInsert(async () => results, registry)([])).toBe(results);
    expect(await samples(registry, 'consumer_orders_total')).toEqual([
      'consumer_orders_total{result="saved"} 2',
      'consumer_orders_total{result="repeated"} 1',
      'consumer_orders_total{result="conflict"} 1',
      'consumer_orders_total{result="refused"} 0',
      'consumer_orders_total{result="replayed"} 1',
      'consumer_orders_total{result="archived"} 0',
    ]);
  });

  it('observes bulks that failed as a whole separately, and does not count their orders', async () => {
    const registry = new Registry();
    const outcomes = [Promise.reject(new Error('unavailable')), Promise.resolve<InsertResult[]>([{ kind: 'saved' }])];
    const insert = measuredInsert(async () => outcomes.shift() ?? [], registry);
    await expect(insert([])).rejects.toThrow('unavailable');
    await insert([]);
    expect(await samples(registry, 'consumer_bulk_insert_duration_seconds_count')).toEqual([
      'consumer_bulk_insert_duration_seconds_count{result="succeeded"} 1',
      'consumer_bulk_insert_duration_seconds_count{result="failed"} 1',
    ]);
    expect(await samples(registry, 'consumer_orders_total{result="saved"}')).toEqual([
      'consumer_orders_total{result="saved"} 1',
    ]);
  });
});
