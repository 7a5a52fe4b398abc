import { describe, expect, it } from '@jest/globals';
import { Long, MongoBulkWriteError, UUID, type BulkWriteResult } from 'mongodb';
import { orderGenerator } from '#orders/generator/generator.js';
import { toDocument, type OrderDocument } from '#orders/order/order-document.js';
import type { Mongo } from '#service/mongodb/mongo.js';
import { insertOrders } from './bulk-insert.js';

const OPERATION_ID = '01935c9e-8a00-7000-8000-000000000001';
const DUPLICATE_KEY = 11_000;
const orderAt = orderGenerator({
  operationId: OPERATION_ID,
  seed: 1,
  count: 10,
  firstNumber: 1,
  accounts: 9,
  from: new Date(0),
  to: new Date(1_000),
});

function documentAt(index: number, changed: Partial<OrderDocument> = {}): OrderDocument {
  const ingest = {
    operationId: new UUID(OPERATION_ID),
    partition: 0,
    offset: Long.ZERO,
    attempts: 1,
    savedAt: new Date(0),
  };
  return { ...toDocument(orderAt(index), ingest), ...changed };
}

/** Creates a MongoDB that rejects every document as a duplicate, and returns `stored` for majority reads. */
function mongoWith(stored: readonly OrderDocument[], message: string): Mongo {
  const collection = {
    insertMany: async (documents: readonly OrderDocument[]) => {
      const writeErrors = documents.map((_, index) => ({ index, code: DUPLICATE_KEY, errmsg: message }));
      const result = { getWriteConcernError: () => undefined } as unknown as BulkWriteResult;
      throw new MongoBulkWriteError({ message, code: DUPLICATE_KEY, writeErrors: writeErrors as never }, result);
    },
    find: () => ({ toArray: async () => Promise.resolve(stored) }),
  };
  return { db: { collection: () => collection } } as unknown as Mongo;
}

describe('insert that MongoDB rejects as a duplicate', () => {
  it('is repeated if a majority has the same order', async () => {
    const mongo = mongoWith([documentAt(3)], 'E11000 index: _id_');
    expect(await insertOrders(mongo, [documentAt(3)])).toEqual([{ kind: 'repeated' }]);
  });

  it('is a conflict if a majority has its number with another id', async () => {
    const other = documentAt(3, { _id: new UUID() });
    expect(await insertOrders(mongoWith([other], 'E11000 index: number'), [documentAt(3)])).toMatchObject([
      { kind: 'conflict', reason: 'another order has number 4' },
    ]);
  });

  it('is a conflict if a majority has its id with different content', async () => {
    const other = documentAt(3, { symbol: 'OTHER' });
    expect(await insertOrders(mongoWith([other], 'E11000 index: _id_'), [documentAt(3)])).toMatchObject([
      { kind: 'conflict' },
    ]);
  });

  it.each(['_id_', 'number'])(
    'is uncertain if a majority has neither its id nor its number yet, for either index in the message (%s)',
    async (index) => {
      const insert = insertOrders(mongoWith([], `E11000 index: ${index}`), [documentAt(3)]);
      await expect(insert).rejects.toMatchObject({ code: 'bulk-uncertain' });
    },
  );
});
