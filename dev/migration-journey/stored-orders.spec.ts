import { describe, expect, it } from '@jest/globals';
import { UUID } from 'mongodb';
import { toDocument } from '#orders/order/order-document.js';
import { aLegacyOrder, aLegacyRecord, anOrder } from '#orders/testing/an-order.js';
import {
  asLegacyOrder,
  storedOrder,
  type StoredOrder,
  storedProblems,
  type StoredEvidence,
  type WrittenOrder,
} from './stored-orders.js';

/** An order of before the journey. */
const OLD = storedOrder(aLegacyRecord({ number: 1 }));
/** The order that a write of `client-1` has stored under the number 100 + serial. */
const stored = (serial: number): StoredOrder =>
  storedOrder(aLegacyRecord({ number: 100 + serial, accountId: 'client-1', quantity: serial }));
const written = (serial: number, at = 10): WrittenOrder => ({
  accountId: 'client-1',
  serial,
  id: stored(serial).id,
  begunAt: at,
  acked: { order: stored(serial), at },
});
const unanswered = (serial: number): WrittenOrder => ({ accountId: 'client-1', serial, id: undefined, begunAt: 10 });
const ALL = [OLD, stored(1), stored(2)];
const RIGHT: StoredEvidence = {
  old: [OLD],
  written: [written(1), written(2)],
  sighted: [stored(2)],
  legacy: ALL,
  new: ALL,
  targetOnlyFrom: Infinity,
  isCopied: true,
};
const changed = (order: StoredOrder, change: Partial<StoredOrder>): StoredOrder => ({ ...order, ...change });

/** The lists that have problems, with their lengths. */
function problems(change: Partial<StoredEvidence>): object {
  const found = Object.entries(storedProblems({ ...RIGHT, ...change }));
  return Object.fromEntries(found.flatMap(([name, lines]) => (lines.length === 0 ? [] : [[name, lines.length]])));
}

describe('what both sides have', () => {
  it.each<[string, Partial<StoredEvidence>]>([
    ['all orders', {}],
    [
      'no late order on the legacy system',
      { legacy: [OLD, stored(1)], written: [written(1), written(2, 50)], targetOnlyFrom: 50 },
    ],
    ['not all orders on the target before the backfill has ended', { new: [OLD], isCopied: false }],
    ['a write without an outcome on both sides', { written: [written(1), unanswered(2)] }],
  ])('is right: %s', (_, change) => {
    expect(problems(change)).toEqual({});
  });

  it.each<[string, Partial<StoredEvidence>, object]>([
    ['an acknowledged write is missing on the legacy system', { legacy: [OLD, stored(1)] }, { lost: 1, onOneSide: 1 }],
    ['an acknowledged write is missing on the target', { new: [OLD, stored(2)] }, { lost: 1, onOneSide: 1 }],
    ['an old order is missing', { new: [stored(1), stored(2)] }, { lost: 1, onOneSide: 1 }],
    ['an order that a client has seen is missing', { sighted: [stored(3)] }, { lost: 1 }],
    [
      'a write before the end of the legacy system is missing there',
      { legacy: [OLD, stored(1)], written: [written(1), written(2, 49)], targetOnlyFrom: 50 },
      { lost: 1 },
    ],
    [
      'an order has another content on one side',
      { legacy: [OLD, stored(1), changed(stored(2), { text: 'x' })] },
      { differing: 2 },
    ],
    [
      'an order has another content than was acknowledged',
      {
        legacy: [OLD, stored(1), changed(stored(2), { text: 'x' })],
        new: [OLD, stored(1), changed(stored(2), { text: 'x' })],
        sighted: [],
      },
      { differing: 2 },
    ],
    ['an id is there twice', { new: [...ALL, changed(OLD, { number: 9 })] }, { doubled: 1 }],
    [
      'a number is there twice',
      { legacy: [...ALL, changed(OLD, { id: 'other' })], targetOnlyFrom: 1e9, isCopied: false },
      { doubled: 1 },
    ],
    [
      'a write is there twice',
      {
        new: [...ALL, changed(stored(2), { id: 'other', number: 9 })],
        written: [written(1), unanswered(2)],
        targetOnlyFrom: 1e9,
      },
      { doubled: 1 },
    ],
    ['an order was never written', { legacy: [...ALL, stored(9)], new: [...ALL, stored(9)] }, { differing: 2 }],
    [
      'a write has another id than it was sent with',
      { new: [OLD, stored(1), changed(stored(2), { id: 'other' })], isCopied: false, targetOnlyFrom: 1e9 },
      { differing: 1 },
    ],
    [
      'a write without an outcome is on the legacy system only',
      { written: [written(1), unanswered(2)], new: [OLD, stored(1)], sighted: [] },
      { onOneSide: 1 },
    ],
    [
      'a write without an outcome is on the target only',
      { written: [written(1), unanswered(2)], legacy: [OLD, stored(1)] },
      { onOneSide: 1 },
    ],
  ])('is wrong: %s', (_, change, expected) => {
    expect(problems(change)).toEqual(expected);
  });
});

describe('a document of the target', () => {
  it('is written as the legacy system would, with the local time of its zone', () => {
    const order = { ...anOrder({ createdAt: new Date('2026-01-31T23:00:00.250Z') }), ...aLegacyOrder({ number: 7 }) };
    const ingest = { operationId: new UUID(), partition: 0, attempts: 1, savedAt: new Date(0) };
    const document = toDocument({ ...order, createdAt: new Date('2026-01-31T23:00:00.250Z') }, ingest as never);
    expect(asLegacyOrder(document)).toMatchObject({ number: 7, accountId: 'acc-1', quantity: 3 });
    expect(asLegacyOrder(document).text).toContain(
      '"side":"buy","symbol":"ACME","quantity":3,"price":187.35,"amount":562.05,"currency":"EUR","createdAt":"2026-02-01T04:30:00.250"',
    );
  });
});
