import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createSegments, type Segment } from '#orders/operation/segments.js';
import type { ArchivedList } from '#orders/archive/archived-list.js';
import type { Mongo } from '#service/mongodb/mongo.js';
import { allHoles, holesOf, merged, NumberHoles, type NumberRange } from './number-holes.js';

function acked(count: number, ...ackedTo: number[]): Segment[] {
  return createSegments(count).map((segment, at) => Object.assign(segment, { ackedTo: ackedTo[at] ?? segment.from }));
}

describe('the number holes of an operation that was cancelled or failed', () => {
  it('are the unacknowledged numbers of all its segments', () => {
    const operation = { firstNumber: 1_001, count: 120_000, segments: acked(120_000, 20_000, 100_000, 100_500) };
    expect(holesOf(operation)).toEqual([
      { from: 21_001, to: 51_000 },
      { from: 101_501, to: 121_000 },
    ]);
  });

  it('are all numbers if nothing was acknowledged, and none if everything was', () => {
    expect(holesOf({ firstNumber: 7, count: 10, segments: createSegments(10) })).toEqual([{ from: 7, to: 16 }]);
    expect(holesOf({ firstNumber: 7, count: 10, segments: acked(10, 10) })).toEqual([]);
    expect(holesOf({ firstNumber: 7, count: 0, segments: [] })).toEqual([]);
  });

  it('are merged where they touch', () => {
    const holes = [
      { from: 20, to: 29 },
      { from: 1, to: 4 },
      { from: 5, to: 9 },
      { from: 30, to: 30 },
      { from: 32, to: 40 },
    ];
    expect(merged(holes)).toEqual([
      { from: 1, to: 9 },
      { from: 20, to: 30 },
      { from: 32, to: 40 },
    ]);
  });
});

/** Operations in memory, and how often all of their segments were read. */
class EndedOperations {
  readonly operations: { firstNumber: number; count: number; segments: Segment[] }[] = [];
  reads = 0;

  get mongo(): Mongo {
    const operations = {
      countDocuments: async () => Promise.resolve(this.operations.length),
      find: () => {
        this.reads += 1;
        return { project: () => ({ toArray: async () => Promise.resolve([...this.operations]) }) };
      },
    };
    const batches = { countDocuments: async () => Promise.resolve(0), find: () => NO_BATCHES };
    const db = { collection: (name: string) => (name === 'operations' ? operations : batches) };
    return { db, time: { now: () => new Date(1_000) } } as unknown as Mongo;
  }
}

const NOTHING_ARCHIVED = { fresh: async () => Promise.resolve({ ranges: [] }) } as unknown as ArchivedList;
const NO_BATCHES = { project: () => ({ toArray: async () => Promise.resolve([]) }) };

/** Returns the holes after the last ones are too old. */
async function later(holes: NumberHoles): Promise<readonly NumberRange[]> {
  jest.advanceTimersByTime(2_000);
  return holes.all();
}

describe('the holes of all operations', () => {
  let ended: EndedOperations;

  beforeEach(() => {
    jest.useFakeTimers({ now: 0 });
    ended = new EndedOperations();
    ended.operations.push({ firstNumber: 1, count: 10, segments: acked(10, 4) });
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  it('are read again only when there are more', async () => {
    const holes = new NumberHoles(ended.mongo, NOTHING_ARCHIVED);
    for (let turn = 0; turn < 5; turn += 1) expect(await later(holes)).toEqual([{ from: 5, to: 10 }]);
    expect(ended.reads).toBe(1);
    ended.operations.push({ firstNumber: 21, count: 5, segments: createSegments(5) });
    expect(await later(holes)).toEqual([
      { from: 5, to: 10 },
      { from: 21, to: 25 },
    ]);
    await later(holes);
    expect(ended.reads).toBe(2);
  });

  it('are read again while a producer may still store what Kafka acknowledges', async () => {
    const [segment] = acked(10, 4);
    const lease = { owner: 'one', expiresAt: new Date(0) };
    ended.operations.splice(0, 1, {
      firstNumber: 1,
      count: 10,
      segments: segment === undefined ? [] : [{ ...segment, lease }],
    });
    const holes = new NumberHoles(ended.mongo, NOTHING_ARCHIVED);
    for (let turn = 0; turn < 3; turn += 1) await later(holes);
    expect(ended.reads).toBe(3);
  });
});

describe('all number holes', () => {
  it('include archived ranges, run by run', () => {
    const archived = [
      { _id: 21, last: 30 },
      {
        _id: 41,
        last: 60,
        runs: [
          { first: 41, last: 44 },
          { first: 50, last: 60 },
        ],
      },
    ];
    const unused = [
      { from: 16, to: 20 },
      { from: 45, to: 45 },
    ];
    expect(allHoles({ unused, archived })).toEqual([
      { from: 16, to: 30 },
      { from: 41, to: 45 },
      { from: 50, to: 60 },
    ]);
  });
});
