import { describe, expect, it } from '@jest/globals';
import { BSON, Long, UUID } from 'mongodb';
import { orderGenerator } from '#orders/generator/generator.js';
import { toDocument, type Ingest } from '#orders/order/order-document.js';
import { idIn, splitStored } from './stored-content.js';

const OPERATION = '01935c9e-8a00-7000-8000-000000000001';
const SAVED_AT = new Date('2026-11-28T12:00:00.123Z');
const INGEST: Ingest = {
  operationId: new UUID(OPERATION),
  partition: 11,
  offset: Long.fromNumber(2 ** 40 + 7),
  attempts: 2,
  savedAt: SAVED_AT,
};
const FROM = { partition: 11, offset: 2 ** 40 + 7, savedAt: SAVED_AT.getTime() };
const order = orderGenerator({
  operationId: OPERATION,
  seed: 1,
  count: 1,
  firstNumber: 1,
  accounts: 9,
  from: new Date(0),
  to: new Date(1_000),
})(0);

function stored(ingest: object): Buffer {
  return Buffer.from(BSON.serialize({ ...toDocument(order, INGEST), ingest }));
}

describe('a stored order', () => {
  it.each([
    ['of an operation', INGEST],
    ['of none', { ...INGEST, operationId: null }],
    ['whose time the intake assigned', { ...INGEST, createdAtAssigned: true }],
    ['with fields in another order', Object.fromEntries(Object.entries(INGEST).toReversed())],
  ])('%s says how it was saved', (_what, ingest) => {
    expect(splitStored(stored(ingest))).toMatchObject(FROM);
  });

  it.each([
    ['without a record', {}],
    ['without a time', { ...INGEST, savedAt: null }],
    ['without an offset', { partition: 1, savedAt: SAVED_AT }],
  ])('%s was not saved by a consumer', (_what, ingest) => {
    expect(splitStored(stored(ingest))).toBeUndefined();
  });

  it('has its id at a known place, or anywhere', () => {
    const id = Buffer.from(new UUID(order.id).buffer);
    expect(idIn(stored(INGEST))).toEqual(id);
    expect(idIn(Buffer.from(BSON.serialize({ first: 1, _id: new UUID(order.id) })))).toEqual(id);
  });
});
