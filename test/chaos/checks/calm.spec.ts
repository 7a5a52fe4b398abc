import { describe, expect, it } from '@jest/globals';
import type { HistoryEvent } from '../history.js';
import { aFault, aHistory } from './an-evidence.js';
import { calmMsOf, calmOf } from './calm.js';

const begins = (place: number, at: number): HistoryEvent => aFault('fault-begins', place, at);
const recovered = (place: number, at: number): HistoryEvent => ({ type: 'recovered', place, at, afterMs: 1_000 });
const sample = (at: number, acked: number, saved: number): HistoryEvent => ({
  type: 'sample',
  at,
  sample: { acked, saved, consumers: 3 },
});
const FIRST = [begins(0, 10_000), recovered(0, 20_000)];
const SMALL_BACKLOG = [
  sample(20_000, 500, 0),
  sample(25_000, 900, 700),
  sample(28_500, 1_900, 899),
  sample(29_000, 2_000, 900),
];

describe('a run is calm', () => {
  it.each<[string, HistoryEvent[], number[], number[], number]>([
    [
      'before the first fault, and from 5 s after a recovery until the next fault',
      [...FIRST, begins(1, 28_000)],
      [9_999, 25_000, 27_999],
      [10_000, 24_999, 28_000],
      13_000,
    ],
    [
      'only 5 s after the orders acknowledged 5 s after the recovery are saved, also when the backlog is small',
      [...FIRST, ...SMALL_BACKLOG],
      [34_000],
      [25_000, 29_000, 33_999],
      10_000,
    ],
    [
      'never after a recovery whose backlog lasts until the next fault',
      [...FIRST, sample(26_000, 9_000, 0), begins(1, 28_000)],
      [],
      [25_000, 27_999, 40_000],
      10_000,
    ],
  ])('%s', (_, events, calm, notCalm, sumMs) => {
    const isCalm = calmOf(aHistory(events));
    expect(calm.filter((at) => !isCalm(at))).toEqual([]);
    expect(notCalm.filter((at) => isCalm(at))).toEqual([]);
    expect(calmMsOf(aHistory(events))).toBe(sumMs);
  });
});
