import { describe, expect, it } from '@jest/globals';
import {
  extraLettersText,
  isInProgress,
  mergeNewest,
  sendingSeconds,
  stateOf,
  unsentOrders,
  wereSentSince,
  type Operation,
} from './operation.js';

const SUCCEEDED = {
  status: 'succeeded',
  state: { code: 'allSaved', text: 'all saved' },
  interruption: null,
} as unknown as Operation;

describe('the state of an operation', () => {
  it.each([
    ['saving', 'busy'],
    ['allSaved', 'good'],
    ['partlySaved', 'warn'],
    ['noneSaved', 'bad'],
    ['failed', 'bad'],
  ] as const)('has the words of the producer, and is green only when all is saved: %s is %s', (code, tone) => {
    expect(stateOf({ ...SUCCEEDED, state: { code, text: 'as it is' } })).toEqual({ text: 'as it is', tone });
  });

  it('shows a requested interruption until it takes effect', () => {
    const running = { ...SUCCEEDED, status: 'running' } as const;
    expect(stateOf({ ...running, interruption: 'cancel' }).text).toBe('cancelling');
    expect(stateOf({ ...running, interruption: 'pause' }).text).toBe('pausing');
  });

  it('is in progress until the result of each sent order is known, also after a cancellation', () => {
    const saving = { code: 'saving', text: 'cancelled at 40 %, saving 70 %' } as const;
    const cancelled = { ...SUCCEEDED, status: 'cancelled', state: saving } as const;
    expect([isInProgress(cancelled), stateOf(cancelled).tone]).toEqual([true, 'warn']);
    expect(isInProgress({ ...cancelled, state: { code: 'allSaved', text: '' } })).toBe(false);
    expect(isInProgress(SUCCEEDED)).toBe(false);
    expect(isInProgress({ ...SUCCEEDED, status: 'paused' })).toBe(true);
  });
});

it('counts the orders that are still being sent', () => {
  const running = {
    ...SUCCEEDED,
    status: 'running',
    count: 100_000,
    acked: 40_000,
    requestedRatePerSecond: null,
  } as const;
  expect(unsentOrders([running, { ...running, count: null }, { ...running, acked: 99_000 }])).toBe(61_000);
  for (const other of [{ requestedRatePerSecond: 10 }, { interruption: 'cancel' }, { status: 'paused' }] as const)
    expect(unsentOrders([{ ...running, ...other }])).toBe(0);
  expect(unsentOrders(null)).toBe(0);
});

it('orders were sent since a time if their operation runs or ended after it, without a requested rate', () => {
  const at = Date.parse('2026-01-31T12:00:10.000Z');
  const ended = { ...SUCCEEDED, requestedRatePerSecond: null, finishedAt: '2026-01-31T12:00:12.500Z' };
  const sending = { ...SUCCEEDED, status: 'running', count: 9, acked: 4, requestedRatePerSecond: null } as const;
  expect([wereSentSince([ended], at), wereSentSince([{ ...sending, finishedAt: null }], at)]).toEqual([true, true]);
  for (const other of [{ finishedAt: '2026-01-31T12:00:09.000Z' }, { requestedRatePerSecond: 10 }])
    expect(wereSentSince([{ ...ended, ...other }], at)).toBe(false);
  expect(wereSentSince(null, at)).toBe(false);
});

describe('the dead letters beyond the orders', () => {
  const faults = { poison: 7, oversized: 0, duplicate: 9, conflict: 0 };

  it('are those of conflict records, which the list of dead letters has and the operation does not count', () => {
    expect(extraLettersText({ ackedFaults: { ...faults, conflict: 8 } })).toBe(
      '8 more dead letters, of conflict records beyond the orders',
    );
    expect(extraLettersText({ ackedFaults: { ...faults, conflict: 1 } })).toMatch(
      /^1 more dead letter, of a conflict record beyond/,
    );
  });

  it('are not mentioned when there are none: a duplicate is no dead letter', () => {
    expect([extraLettersText({ ackedFaults: faults }), extraLettersText({ ackedFaults: null })]).toEqual([
      undefined,
      undefined,
    ]);
  });
});

describe('the time that an operation took', () => {
  const times = { startedAt: '2026-01-31T12:00:00.000Z', finishedAt: '2026-01-31T12:00:12.500Z' };

  it('is known when it ended, and counts on while it runs', () => {
    const now = Date.parse('2026-01-31T12:01:00Z');
    expect(sendingSeconds({ ...SUCCEEDED, ...times }, now)).toBe(12.5);
    expect(sendingSeconds({ ...SUCCEEDED, ...times, finishedAt: null }, now)).toBe(60);
    expect(sendingSeconds({ ...SUCCEEDED, startedAt: null, finishedAt: null }, now)).toBeNull();
  });

  it('is never negative when the clocks differ', () => {
    expect(sendingSeconds({ ...SUCCEEDED, ...times, finishedAt: null }, 0)).toBe(0);
  });
});

describe('merging the newest operations', () => {
  it('keeps older operations that were loaded before, and replaces the newest', () => {
    expect(idsOf(mergeNewest(operations('5', '4', '3', '2', '1'), operations('6', '5', '4')))).toBe('654321');
    expect(idsOf(mergeNewest([], operations('2', '1')))).toBe('21');
  });

  it('drops them when newer ones could be missing in between', () => {
    expect(idsOf(mergeNewest(operations('3', '2', '1'), operations('9', '8', '7')))).toBe('987');
    expect(idsOf(mergeNewest(operations('3', '2', '1'), []))).toBe('');
  });
});

function operations(...ids: string[]): Operation[] {
  return ids.map((id) => operation(id));
}

function operation(id: string): Operation {
  return { ...SUCCEEDED, id };
}

function idsOf(merged: readonly Operation[]): string {
  return merged.map(({ id }) => id).join('');
}
