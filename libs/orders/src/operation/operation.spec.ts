import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { ackedBlocks } from '../settled/settled-blocks.js';
import {
  mergedRuns,
  packIndexes,
  packRuns,
  unpackIndexes,
  unpackRuns,
  type NumberRun,
} from '../numbering/number-runs.js';
import { ackedSegments } from '../testing/acked-segments.js';
import { originHeaders, readOrigin } from './record-headers.js';
import { ackedOrders, ackedRanges, createSegments, firstUnacked, generatedOrders } from './operation.js';

const ends = (count: number): number[][] => createSegments(count).map(({ from, to }) => [from, to]);

describe('segments of an operation', () => {
  const SOME = ackedSegments(120_000, 50_000, 70_000, 110_000);

  it('cover its indexes without gaps', () => {
    expect(ends(120_000)).toEqual([
      [0, 50_000],
      [50_000, 100_000],
      [100_000, 120_000],
    ]);
    expect([ends(1), ends(0)]).toEqual([[[0, 1]], []]);
  });

  it('give the acknowledged indexes as few ranges', () => {
    expect(ackedRanges(SOME)).toEqual([
      { from: 0, to: 70_000 },
      { from: 100_000, to: 110_000 },
    ]);
    expect(ackedRanges(ackedSegments(120_000, 0, 50_000))).toEqual([]);
  });

  it('give the sums of generated and acknowledged orders', () => {
    expect([ackedOrders(SOME), generatedOrders(SOME)]).toEqual([80_000, 80_002]);
  });

  it('give the index at which publishing resumes', () => {
    expect(firstUnacked(SOME)).toBe(70_000);
    expect(firstUnacked(ackedSegments(120_000, 50_000, 100_000, 120_000))).toBeUndefined();
  });
});

describe('the acknowledged blocks of an operation', () => {
  it('are blocks of 100,000 indexes and a shorter last one, whatever the segments are', () => {
    expect(ackedBlocks(ackedSegments(220_000, 50_000, 100_000, 150_000, 200_000, 220_000))).toEqual([
      { from: 0, ranges: [{ from: 0, to: 100_000 }] },
      { from: 100_000, ranges: [{ from: 100_000, to: 200_000 }] },
      { from: 200_000, ranges: [{ from: 200_000, to: 220_000 }] },
    ]);
  });

  it('have only what was acknowledged before a cancellation', () => {
    const [first, second] = [
      { from: 0, to: 7 },
      { from: 50_000, to: 50_010 },
    ];
    expect(ackedBlocks(ackedSegments(220_000, 7, 50_010, 100_000, 200_000))).toEqual([
      { from: 0, ranges: [first, second] },
      { from: 100_000, ranges: [{ from: 150_000, to: 200_000 }] },
    ]);
  });

  it('are none before anything is acknowledged', () => {
    expect(ackedBlocks(ackedSegments(220_000))).toEqual([]);
  });
});

const anyGap = fc.tuple(fc.nat(300), fc.integer({ min: -5_000, max: 2 ** 40 }), fc.integer({ min: 1, max: 100_000 }));
const anyRuns = fc.array(anyGap, { maxLength: 50 }).map((gaps) => {
  const runs: NumberRun[] = [];
  let index = 0;
  let number = 10_000_000;
  for (const [skipped, jump, count] of gaps) {
    runs.push({ from: index + skipped, first: number + jump, count });
    index += skipped + count;
    number += jump + count;
  }
  return runs;
});

describe('packed runs', () => {
  it('are the same runs when unpacked, also if numbers go back', () => {
    fc.assert(fc.property(anyRuns, (runs) => expect(unpackRuns(packRuns(runs))).toEqual(runs)));
  });

  it('need a few bytes each', () => {
    const runs = Array.from({ length: 1_000 }, (_, at) => ({ from: at, first: 9_000_000_000 + 2 * at, count: 1 }));
    expect(packRuns(runs).length()).toBeLessThan(3_010);
  });

  it('keep indexes exact', () => {
    const indexes = fc.uniqueArray(fc.nat({ max: 2 ** 45 })).map((some) => some.toSorted((a, b) => a - b));
    fc.assert(fc.property(indexes, (some) => expect(unpackIndexes(packIndexes(some))).toEqual(some)));
  });
});

describe('merged runs', () => {
  it('join what follows in indexes and in numbers, and nothing else', () => {
    const otherNumber = { from: 7, first: 200, count: 1 };
    const otherIndex = { from: 9, first: 201, count: 1 };
    const followed = { from: 0, first: 100, count: 5 };
    const following = { from: 5, first: 105, count: 2 };
    expect(mergedRuns([followed, following, otherNumber, otherIndex])).toEqual([
      { ...followed, count: 7 },
      otherNumber,
      otherIndex,
    ]);
  });
});

function readFrom(headers: Record<string, string>): ReturnType<typeof readOrigin> {
  return readOrigin(Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Buffer.from(value)])));
}

describe('record headers', () => {
  const ORIGIN = { operationId: '01935c9e-8a00-7000-8000-000000000001', index: 4_711 };
  const WRITTEN = originHeaders(ORIGIN);

  it.each<[string, object, Record<string, string>]>([
    ['the operation and the index', ORIGIN, WRITTEN],
    ['the injected fault', { ...ORIGIN, fault: 'conflict' }, originHeaders({ ...ORIGIN, fault: 'conflict' })],
    ['no unknown fault', ORIGIN, { ...WRITTEN, fault: 'x' }],
  ])('give %s', (_, origin, headers) => {
    expect(readFrom(headers)).toEqual(origin);
  });

  it.each<[string, Record<string, string>]>([
    ['no headers', {}],
    ['an invalid operation id', { 'operation-id': 'x', index: '1' }],
    ['an operation id with the characters of a UUID, but not its form', { 'operation-id': '-'.repeat(36), index: '1' }],
    ['no index', { 'operation-id': ORIGIN.operationId }],
    ['a negative index', { 'operation-id': ORIGIN.operationId, index: '-1' }],
  ])('give no origin for %s', (_, headers) => {
    expect(readFrom(headers)).toBeUndefined();
  });
});
