import { describe, expect, it } from '@jest/globals';
import type { History, HistoryEvent } from '../history/history.js';
import { calmMsOf, calmOf } from './calm.js';

const fault = (place: number, at: number): HistoryEvent => ({
  type: 'fault-begins',
  place,
  at,
  kind: 'kill-broker',
  subject: 'it',
});

const recovered = (place: number, at: number): HistoryEvent => ({ type: 'recovered', place, at, afterMs: 1_000 });

const sample = (at: number, acked: number, saved: number): HistoryEvent => ({
  type: 'sample',
  at,
  sample: { acked, saved, consumers: 3 },
});

function historyOf(...events: HistoryEvent[]): Pick<History, 'of'> {
  return { of: ((type: string) => events.filter((event) => event.type === type)) as History['of'] };
}

describe('a run is calm', () => {
  it('before the first fault, and from 5 s after a recovery until the next fault', () => {
    const history = historyOf(fault(0, 10_000), recovered(0, 20_000), fault(1, 28_000));
    const isCalm = calmOf(history);
    expect([9_999, 10_000, 24_999, 25_000, 27_999, 28_000].map(isCalm)).toEqual([
      true,
      false,
      false,
      true,
      true,
      false,
    ]);
    expect(calmMsOf(history)).toBe(13_000);
  });

  it('only 5 s after the orders acknowledged 5 s after the recovery are saved, also when the backlog is small', () => {
    const samples = [
      sample(20_000, 500, 0),
      sample(25_000, 900, 700),
      sample(28_500, 1_900, 899),
      sample(29_000, 2_000, 900),
    ];
    const isCalm = calmOf(historyOf(fault(0, 10_000), recovered(0, 20_000), ...samples));
    expect([25_000, 29_000, 33_999, 34_000].map(isCalm)).toEqual([false, false, false, true]);
  });

  it('never after a recovery whose backlog lasts until the next fault', () => {
    const history = historyOf(fault(0, 10_000), recovered(0, 20_000), sample(26_000, 9_000, 0), fault(1, 28_000));
    const isCalm = calmOf(history);
    expect([25_000, 27_999, 40_000].map(isCalm)).toEqual([false, false, false]);
    expect(calmMsOf(history)).toBe(10_000);
  });
});
