import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { ArchivedList } from '#orders/archive/archived-ranges.js';
import type { Segment } from '#orders/operation/operation.js';
import { ackedSegments } from '#orders/testing/acked-segments.js';
import type { Mongo } from '#service/mongodb/mongo.js';
import { allHoles, holesOf, merged, NumberHoles, type NumberRange } from './number-holes.js';

/** Returns ranges by their first and last numbers. */
function ranges(...ends: readonly (readonly [from: number, to: number])[]): NumberRange[] {
  return ends.map(([from, to]) => ({ from, to }));
}

describe('the number holes of an operation that was cancelled or failed', () => {
  it.each<[string, number, number, number[], NumberRange[]]>([
    [
      'unacknowledged numbers of all its segments',
      1_001,
      120_000,
      [20_000, 100_000, 100_500],
      ranges([21_001, 51_000], [101_501, 121_000]),
    ],
    ['numbers if nothing was acknowledged', 7, 10, [], ranges([7, 16])],
    ['numbers of none if everything was acknowledged', 7, 10, [10], []],
    ['numbers of none if it has no orders', 7, 0, [], []],
  ])('are the %s', (_, firstNumber, count, ackedTo, holes) => {
    expect(holesOf({ firstNumber, count, segments: ackedSegments(count, ...ackedTo) })).toEqual(holes);
  });

  it('are merged where they touch', () => {
    const holes = ranges([20, 29], [1, 4], [5, 9], [30, 30], [32, 40]);
    expect(merged(holes)).toEqual(ranges([1, 9], [20, 30], [32, 40]));
  });
});

/** The cursor of a query that finds these documents. */
function found(documents: () => object[]) {
  return { project: () => ({ toArray: async () => documents() }) };
}

describe('the holes of all operations', () => {
  let ended: { firstNumber: number; count: number; segments: Segment[] }[];
  let reads: number;
  let holes: NumberHoles;

  beforeEach(() => {
    jest.useFakeTimers({ now: 0 });
    ended = [{ firstNumber: 1, count: 10, segments: ackedSegments(10, 4) }];
    reads = 0;
    const operations = {
      countDocuments: async () => ended.length,
      find: () => {
        reads += 1;
        return found(() => [...ended]);
      },
    };
    const batches = { countDocuments: async () => 0, find: () => found(() => []) };
    const db = { collection: (name: string) => (name === 'operations' ? operations : batches) };
    const mongo = { db, time: { now: () => new Date(1_000) } } as unknown as Mongo;
    const archived = { fresh: async () => ({ ranges: [] }) } as unknown as ArchivedList;
    holes = new NumberHoles(mongo, archived);
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  /** Returns the holes after the last ones are too old. */
  async function later(): Promise<readonly NumberRange[]> {
    jest.advanceTimersByTime(2_000);
    return holes.all();
  }

  it('are read again only when there are more', async () => {
    for (let turn = 0; turn < 5; turn += 1) expect(await later()).toEqual(ranges([5, 10]));
    expect(reads).toBe(1);
    ended.push({ firstNumber: 21, count: 5, segments: ackedSegments(5) });
    for (let turn = 0; turn < 2; turn += 1) expect(await later()).toEqual(ranges([5, 10], [21, 25]));
    expect(reads).toBe(2);
  });

  it('are read again while a producer may still store what Kafka acknowledges', async () => {
    const lease = { owner: 'one', expiresAt: new Date(0) };
    for (const { segments } of ended) for (const segment of segments) Object.assign(segment, { lease });
    for (let turn = 0; turn < 3; turn += 1) await later();
    expect(reads).toBe(3);
  });
});

describe('all number holes', () => {
  it('include archived ranges, run by run', () => {
    const runs = [
      { first: 41, last: 44 },
      { first: 50, last: 60 },
    ];
    const archived = [
      { _id: 21, last: 30 },
      { _id: 41, last: 60, runs },
    ];
    expect(allHoles({ unused: ranges([16, 20], [45, 45]), archived })).toEqual(ranges([16, 30], [41, 45], [50, 60]));
  });
});
