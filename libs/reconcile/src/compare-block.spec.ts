import { describe, expect, it } from '@jest/globals';
import { BSON, Double, Long, UUID } from 'mongodb';
import { anOrder, idOf } from '#orders/testing/an-order.js';
import { compareBlock, type ExpectedOrder, KnownOrder } from './compare-block.js';
import { idIn, splitStored } from './stored-content.js';
import { INGEST, storedOrder, TRACED } from './testing/stored-order.js';

/** Returns the order of an index, whose number is the index plus 101. */
function orderAt(index: number) {
  return anOrder({ number: 101 + index });
}

function sent(index: number): ExpectedOrder {
  return { index, order: new KnownOrder(orderAt(index), false), isFaulty: false };
}

function expected(...indexes: number[]): ExpectedOrder[] {
  return indexes.map(sent);
}

function stored(index: number, change: object = {}): Buffer {
  return storedOrder(orderAt(index), change);
}

/** The id of an order that was not sent. */
const OTHER = { _id: new UUID(idOf(999)) };

describe('compareBlock', () => {
  it('finds orders saved that are stored as sent, regardless of `ingest`', () => {
    const documents = [stored(0), stored(1, { ingest: { ...INGEST, attempts: 9 } }), stored(2)];
    const nothing = { missing: [], altered: [], phantoms: [], doubled: [] };
    expect(compareBlock(expected(0, 1, 2), documents)).toEqual({ ...nothing, saved: [0, 1, 2] });
  });

  it('returns missing orders', () => {
    const { saved, missing } = compareBlock(expected(0, 1, 2), [stored(0), stored(2)]);
    expect([saved, missing.map(({ index }) => index)]).toEqual([[0, 2], [1]]);
  });

  it.each<[string, object, string]>([
    ['another value', { side: 'neither' }, 'side'],
    ['a value of another type', { quantity: new Double(2.5) }, 'quantity'],
    ['an additional field', { note: 'x' }, 'note'],
  ])('returns an order with %s as altered', (_, change, field) => {
    const { saved, missing, altered } = compareBlock(expected(0, 1), [stored(0), stored(1, change)]);
    expect([saved, missing]).toEqual([[0], []]);
    expect(altered).toEqual([{ index: 1, id: orderAt(1).id, fields: [field] }]);
  });

  it('returns an order that was not sent as phantom, and the order with that number as missing', () => {
    const { missing, phantoms } = compareBlock(expected(0), [stored(0, OTHER)]);
    expect(missing.map(({ index }) => index)).toEqual([0]);
    expect(phantoms).toEqual([expect.objectContaining({ id: idOf(999), number: 101 })]);
  });

  it('returns an order whose number another order has too', () => {
    const { saved, doubled } = compareBlock(expected(0), [stored(0), stored(0, OTHER)]);
    expect([saved, doubled.map(({ id }) => id)]).toEqual([[0], [idOf(999)]]);
  });

  it('returns an order as phantom if a faulty record replaced it', () => {
    const { saved, missing, phantoms } = compareBlock([{ ...sent(0), isFaulty: true }], [stored(0)]);
    expect([saved, missing.length, phantoms.length]).toEqual([[], 1, 1]);
  });
});

describe('a stored order', () => {
  const ingest = { ...INGEST, offset: Long.fromNumber(2 ** 40 + 7) };
  const place = { partition: 3, offset: 2 ** 40 + 7, savedAt: INGEST.savedAt.getTime() };
  const saved = expect.objectContaining(place);

  it.each<[string, object, unknown]>([
    ['of an operation says how it was saved', ingest, saved],
    ['of none says how it was saved', { ...ingest, operationId: null }, saved],
    ['whose time the intake assigned says how it was saved', { ...ingest, createdAtAssigned: true }, saved],
    ['that was traced says how it was saved', { ...ingest, trace: TRACED }, saved],
    ['with fields in another order says it too', Object.fromEntries(Object.entries(ingest).toReversed()), saved],
    ['without a record was not saved by a consumer', {}, undefined],
    ['without a time was not saved by a consumer', { ...ingest, savedAt: null }, undefined],
    ['without an offset was not saved by a consumer', { partition: 1, savedAt: INGEST.savedAt }, undefined],
  ])('%s', (_, change, split) => {
    expect(splitStored(stored(0, { ingest: change }))).toEqual(split);
  });

  it('has its id at a known place, or anywhere', () => {
    const id = new UUID(orderAt(0).id);
    expect(idIn(stored(0))).toEqual(Buffer.from(id.buffer));
    expect(idIn(Buffer.from(BSON.serialize({ first: 1, _id: id })))).toEqual(Buffer.from(id.buffer));
  });
});
