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

const waiting = (at: number, orders: number): HistoryEvent => ({
  type: 'sample',
  at,
  sample: { acked: 50_000 + orders, saved: 50_000, consumers: 3 },
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

  it('only once the backlog, which arrives after the recovery, has drained', () => {
    const samples = [waiting(20_000, 500), waiting(25_000, 11_000), waiting(29_000, 2_000), waiting(31_000, 4_000)];
    const isCalm = calmOf(historyOf(fault(0, 10_000), recovered(0, 20_000), ...samples));
    expect([25_000, 28_999, 29_000, 31_000].map(isCalm)).toEqual([false, false, true, true]);
  });

  it('never after a recovery whose backlog lasts until the next fault', () => {
    const history = historyOf(fault(0, 10_000), recovered(0, 20_000), waiting(26_000, 9_000), fault(1, 28_000));
    const isCalm = calmOf(history);
    expect([25_000, 27_999, 40_000].map(isCalm)).toEqual([false, false, false]);
    expect(calmMsOf(history)).toBe(10_000);
  });
});
