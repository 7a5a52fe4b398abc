import { describe, expect, it } from '@jest/globals';
import { Long, UUID } from 'mongodb';
import { orderGenerator } from '#orders/generator/generator.js';
import { type OrderDocument, toDocument } from '#orders/order/order-document.js';
import {
  findOverlap,
  firstBegunAt,
  measuredOrders,
  type PlannedOrder,
  planOrders,
  readSaved,
  resultOfWay,
  type SavedOrder,
  theorySeconds,
  type Way,
} from './comparison.js';
import { areSettled } from './stacks.js';

const OPERATION = '01935c9e-8a00-7000-8000-000000000001';
const SAVE_MS = { minimum: 0, maximum: 1_000 };

describe('the theoretical minimum', () => {
  /** Two accounts on partition 0, and one on partition 1. */
  const ORDERS: PlannedOrder[] = [
    { accountId: 'a', partition: 0, waitMs: 100 },
    { accountId: 'b', partition: 0, waitMs: 400 },
    { accountId: 'c', partition: 1, waitMs: 450 },
    { accountId: 'a', partition: 0, waitMs: 380 },
  ];
  const LONG = Array.from({ length: 100 }, (_, at) => ({ accountId: `${at}`, partition: at % 10, waitMs: 1_000 }));

  it.each<[string, Way['ordering'], number, PlannedOrder[], number]>([
    ['the sum of all waits one after another', 'key', 1, ORDERS, 1.33],
    ['that sum in any ordering', 'unordered', 1, ORDERS, 1.33],
    ['the longest sum of a partition with one record at a time per partition', 'partition', 1_000, ORDERS, 0.88],
    ['the longest sum of an account with order per account', 'key', 1_000, ORDERS, 0.48],
    ['the longest wait without order', 'unordered', 1_000, ORDERS, 0.45],
    ['0 without orders', 'key', 5, [], 0],
  ])('is %s', (_, ordering, inFlight, orders, seconds) => {
    expect(theorySeconds({ ordering, inFlight }, orders)).toBeCloseTo(seconds);
  });

  it.each<[string, Way['ordering'], number, PlannedOrder[], boolean, number]>([
    ['all if they take no longer than a sample', 'unordered', 100, LONG, false, 100],
    ['all of few', 'key', 1, LONG.slice(0, 6), false, 6],
    ['as many as take 6 s in theory', 'key', 1, LONG, false, 6],
    ['more with several at a time', 'partition', 12, LONG, false, 60],
    ['all with `full`', 'key', 1, LONG, true, 100],
    ['at least one', 'key', 1, [{ accountId: 'a', partition: 0, waitMs: 90_000 }, ...LONG], false, 1],
  ])('decides how many orders are measured: %s', (_, ordering, inFlight, orders, full, count) => {
    expect(measuredOrders({ ordering, inFlight }, orders, full)).toBe(count);
  });

  it('is of the orders that a populate generates, on all partitions and within the bounds', () => {
    const batch = {
      seed: 5,
      count: 1_000,
      accounts: 100_000,
      firstNumber: 9_000,
      from: new Date(7),
      to: new Date(8_000),
    };
    const orderAt = orderGenerator({ ...batch, operationId: OPERATION });
    const planned = planOrders(1_000, 5, { minimum: 20, maximum: 30 });
    expect(planned.map(({ accountId }) => accountId)).toEqual(planned.map((_, index) => orderAt(index).accountId));
    expect(new Set(planned.map(({ partition }) => partition)).size).toBe(12);
    expect(new Set(planned.map(({ waitMs }) => waitMs))).toEqual(
      new Set(Array.from({ length: 11 }, (_, at) => 20 + at)),
    );
    expect(planOrders(10, 5, { minimum: 20, maximum: 30 })).toEqual(planned.slice(0, 10));
  });
});

describe('a way of a comparison', () => {
  const orders = planOrders(1_000, 1_000, SAVE_MS);
  const ONE_BY_ONE = { name: 'one', label: 'one', ordering: 'key', consumers: 1, inFlight: 1 } as const;

  it('has the measured time if all orders were measured', () => {
    const way = { ...ONE_BY_ONE, ordering: 'unordered', inFlight: 1_000 } as const;
    const found = { measuredSeconds: 1.25, firstSaveSeconds: 0.1, warmUpSeconds: null, measuredOrders: 1_000 };
    const result = resultOfWay(way, orders, found, SAVE_MS.maximum);
    expect(result).toMatchObject({ seconds: 1.25, ordersPerSecond: 800, ratio: 0.8, wantedSeconds: 1.5 });
  });

  it('scales the time of a sample, after the first save has begun, by the ratio of the theoretical minimums', () => {
    const count = measuredOrders(ONE_BY_ONE, orders, false);
    const found = { measuredSeconds: 8, firstSaveSeconds: 2, warmUpSeconds: null, measuredOrders: count };
    const way = resultOfWay(ONE_BY_ONE, orders, found, SAVE_MS.maximum);
    expect(way).toMatchObject({ sampled: true, theorySeconds: expect.closeTo(497.322), wantedSeconds: null });
    // In theory the sample takes nearly 6 s; it took 6 s.
    expect(way.seconds).toBeGreaterThan(2 + 497);
    expect(way.seconds).toBeLessThan(2 + 497 * 1.15);
  });
});

describe('the orders found in MongoDB', () => {
  const BATCH = {
    operationId: OPERATION,
    seed: 1,
    count: 3,
    firstNumber: 10,
    accounts: 9,
    from: new Date(0),
    to: new Date(1_000),
  };
  const orderAt = orderGenerator(BATCH);
  const documents = Array.from({ length: BATCH.count }, (_, index) =>
    toDocument(orderAt(index), {
      operationId: new UUID(OPERATION),
      partition: 4,
      offset: Long.fromNumber(70 + index),
      attempts: 1,
      savedAt: new Date(5_000),
    }),
  ) as [OrderDocument, OrderDocument, OrderDocument];

  it('are the orders that were sent', () => {
    const saved = [70, 71, 72].map((offset, index) => ({ index, partition: 4, offset }));
    expect(readSaved(documents, BATCH)).toMatchObject(saved);
  });

  it('are rejected if an order is missing, or differs', () => {
    expect(readSaved(documents.slice(1), BATCH)).toBe('2 orders are saved instead of 3');
    const altered = documents.with(1, { ...documents[1], quantity: documents[1].quantity + 1 });
    expect(readSaved(altered, BATCH)).toBe('the order with index 1 differs from the one sent');
  });
});

/** Returns orders of one account, in the order of the topic, that were saved then. */
function savedAt(...times: number[]): SavedOrder[] {
  return times.map((time, index) => ({
    index,
    accountId: 'a',
    partition: 0,
    offset: index,
    savedAt: new Date(time),
  }));
}

describe('the order that a way promises', () => {
  const PLANNED = [300, 200, 100].map((waitMs) => ({ accountId: 'a', partition: 0, waitMs }));
  const BY_KEY = { ordering: 'key', inFlight: 1_000 } as const;
  const BY_PARTITION = { ordering: 'partition', inFlight: 12 } as const;
  const ONE = { ordering: 'key', inFlight: 1 } as const;
  const OVERLAP = 'the save of the order with index 1 began before the order with index 0 was saved';

  it.each<[string, Pick<Way, 'ordering' | 'inFlight'>, number[], string | undefined]>([
    ['is kept if each save began after the previous order was saved', BY_KEY, [300, 500, 600], undefined],
    ['is kept so per partition', BY_PARTITION, [300, 500, 600], undefined],
    ['is broken by a save that began before that, even if it ended later', BY_KEY, [300, 450, 600], `a: ${OVERLAP}`],
    ['is broken so per partition', BY_PARTITION, [300, 450, 600], `partition 0: ${OVERLAP}`],
    ['is broken by an order that was saved before the previous one', BY_KEY, [900, 200, 1_100], `a: ${OVERLAP}`],
    ['does not apply without order', { ordering: 'unordered', inFlight: 3 }, [300, 200, 100], undefined],
    ['applies to all orders one after another, in any sequence', ONE, [600, 300, 100], undefined],
  ])('%s', (_, way, times, problem) => {
    expect(findOverlap(way, savedAt(...times), PLANNED)).toBe(problem);
  });

  it('is broken one after another if two saves overlap', () => {
    expect(findOverlap(ONE, savedAt(500, 300, 100), PLANNED)).toContain('all: ');
  });

  it('does not apply between accounts', () => {
    const others = savedAt(300, 200, 100).map((order) => Object.assign(order, { accountId: `a${order.index}` }));
    expect(findOverlap(BY_KEY, others, PLANNED)).toBeUndefined();
  });

  it('begins with the save that began first, not with the one that ended first', () => {
    expect(firstBegunAt(savedAt(1_300, 1_250, 1_140), PLANNED)).toBe(1_000);
  });
});

/** Formats consumers by their partitions, such as `0,1 2`; one with `-` is not ready. */
function heartbeats(text: string) {
  return text.split(' ').map((owned) => ({
    notReadyBecause: owned.endsWith('-') ? 'joining' : null,
    partitions: [...owned.matchAll(/\d/g)].map(([partition]) => {
      return { partition: Number(partition), committable: 0, lagRecords: 0, lagSeconds: null };
    }),
  }));
}

describe('the consumers of a way', () => {
  it.each([
    ['one owns all', '0,1,2,3', 1, true],
    ['each owns its share', '0,2 1,3', 2, true],
    ['one is missing', '0,1,2,3', 2, false],
    ['one owns nothing yet', '0,1,2,3 none', 2, false],
    ['two report the same partition', '0,1 1,2', 2, false],
    ['one still reports revoked partitions', '0,1,2,3 2,3', 2, false],
    ['a partition has no owner', '0,1 2', 2, false],
    ['one is not ready', '0,1 2,3-', 2, false],
    ['one belongs to another way', '0,1 2,3 none', 2, false],
  ])('when %s: %s', (_, text, count, settled) => {
    expect(areSettled(heartbeats(text), count, 4)).toBe(settled);
  });
});
