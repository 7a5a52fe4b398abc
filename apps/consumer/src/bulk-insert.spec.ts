import { describe, expect, it } from '@jest/globals';
import { Long, MongoBulkWriteError, UUID, type BulkWriteResult } from 'mongodb';
import { orderGenerator } from '#orders/generator.js';
import { toDocument, type OrderDocument } from '#orders/order-document.js';
import type { Mongo } from '#service/mongo.js';
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

/** MongoDB that refuses each of them as a duplicate, while a majority has those. */
function mongoThatHas(stored: readonly OrderDocument[], message: string): Mongo {
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

describe('an insert that MongoDB refuses as a duplicate', () => {
  it('is of the same order where a majority has it', async () => {
    const mongo = mongoThatHas([documentAt(3)], 'E11000 index: _id_');
    expect(await insertOrders(mongo, [documentAt(3)])).toEqual([{ kind: 'repeated' }]);
  });

  it('is a conflict where a majority has its number under another id', async () => {
    const other = documentAt(3, { _id: new UUID() });
    expect(await insertOrders(mongoThatHas([other], 'E11000 index: number'), [documentAt(3)])).toMatchObject([
      { kind: 'conflict', reason: 'another order holds number 4' },
    ]);
  });

  it('is a conflict where a majority has its id with another content', async () => {
    const other = documentAt(3, { symbol: 'OTHER' });
    expect(await insertOrders(mongoThatHas([other], 'E11000 index: _id_'), [documentAt(3)])).toMatchObject([
      { kind: 'conflict' },
    ]);
  });

  it.each(['_id_', 'number'])(
    'is uncertain where a majority has nothing of it yet, whichever index the server names (%s)',
    async (index) => {
      const insert = insertOrders(mongoThatHas([], `E11000 index: ${index}`), [documentAt(3)]);
      await expect(insert).rejects.toMatchObject({ code: 'bulk-uncertain' });
    },
  );
});
