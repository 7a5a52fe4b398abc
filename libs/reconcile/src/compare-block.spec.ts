import { describe, expect, it } from '@jest/globals';
import { BSON, Double, Long, UUID } from 'mongodb';
import { orderGenerator } from '#orders/generator/generator.js';
import { toDocument, type OrderDocument } from '#orders/order/order-document.js';
import { compareBlock, type ExpectedOrder } from './compare-block.js';
import { KnownOrder } from './sent-order.js';

const OPERATION = '01935c9e-8a00-7000-8000-000000000001';
const orderAt = orderGenerator({
  operationId: OPERATION,
  seed: 1,
  count: 10,
  firstNumber: 101,
  accounts: 9,
  from: new Date(0),
  to: new Date(1_000),
});
const ingest = {
  operationId: new UUID(OPERATION),
  partition: 3,
  offset: Long.fromNumber(7),
  attempts: 1,
  savedAt: new Date(5),
};

function expectedOrder(index: number, isFaulty = false): ExpectedOrder {
  return { index, order: new KnownOrder(orderAt(index), false), isFaulty };
}

function expected(...indexes: number[]): ExpectedOrder[] {
  return indexes.map((index) => expectedOrder(index));
}

/** Returns the stored document of an order, with a change. */
function stored(index: number, change: object = {}): Buffer {
  const document: OrderDocument = { ...toDocument(orderAt(index), ingest), ...change };
  return Buffer.from(BSON.serialize(document));
}

const NOTHING = { missing: [], altered: [], phantoms: [], doubled: [] };

describe('compareBlock', () => {
  it('finds orders saved that are stored as sent, regardless of `ingest`', () => {
    const documents = [stored(0), stored(1, { ingest: { ...ingest, attempts: 9 } }), stored(2)];
    expect(compareBlock(expected(0, 1, 2), documents)).toEqual({ ...NOTHING, saved: [0, 1, 2] });
  });

  it('returns missing orders', () => {
    const { saved, missing } = compareBlock(expected(0, 1, 2), [stored(0), stored(2)]);
    expect([saved, missing.map(({ index }) => index)]).toEqual([[0, 2], [1]]);
  });

  it.each<[string, object, string]>([
    ['another value', { side: 'neither' }, 'side'],
    ['a value of another type', { quantity: new Double(3) }, 'quantity'],
    ['an additional field', { note: 'x' }, 'note'],
  ])('returns an order with %s as altered', (_, change, field) => {
    const { saved, missing, altered } = compareBlock(expected(0, 1), [stored(0), stored(1, change)]);
    expect([saved, missing]).toEqual([[0], []]);
    expect(altered).toEqual([{ index: 1, id: orderAt(1).id, fields: [field] }]);
  });

  it('returns an order that was not sent as phantom, and the order with that number as missing', () => {
    const { missing, phantoms } = compareBlock(expected(0), [stored(0, { _id: new UUID(orderAt(5).id) })]);
    expect(missing.map(({ index }) => index)).toEqual([0]);
    expect(phantoms).toEqual([expect.objectContaining({ id: orderAt(5).id, number: 101 })]);
  });

  it('returns an order whose number another order has too', () => {
    const { saved, doubled } = compareBlock(expected(0), [stored(0), stored(0, { _id: new UUID(orderAt(5).id) })]);
    expect([saved, doubled.map(({ id }) => id)]).toEqual([[0], [orderAt(5).id]]);
  });

  it('returns an order as phantom if a faulty record replaced it', () => {
    const { saved, missing, phantoms } = compareBlock([expectedOrder(0, true)], [stored(0)]);
    expect([saved, missing.length, phantoms.length]).toEqual([[], 1, 1]);
  });
});
