import { describe, expect, it } from '@jest/globals';
import { isInProgress, mergeNewest, sendingSeconds, stateOf, type Operation } from './operation.js';

const SUCCEEDED = {
  kind: 'populate',
  status: 'succeeded',
  interruption: null,
  count: 1_000,
  acked: 1_000,
  saved: 1_000,
  deadLettered: 0,
  discarded: 0,
  redrive: null,
} as unknown as Operation;

const REDRIVE = { moved: 208, saved: 208, returned: 0, waiting: 0, missing: 0, unmovable: 0, filter: {} };

function redriven(counts: Partial<typeof REDRIVE>): Operation {
  return { ...SUCCEEDED, kind: 'redrive', count: 208, acked: 208, redrive: { ...REDRIVE, ...counts } };
}

describe('the state of an operation', () => {
  it('is green only when every order is saved', () => {
    expect(stateOf({ ...SUCCEEDED, saved: 220 })).toEqual({ text: 'sent, saving 22 %', tone: 'busy' });
    expect(stateOf({ ...SUCCEEDED, saved: null })).toEqual({ text: 'sent, saving 0 %', tone: 'busy' });
    expect(stateOf({ ...SUCCEEDED, saved: 999 })).toEqual({ text: 'sent, saving 99 %', tone: 'busy' });
    expect(stateOf(SUCCEEDED)).toEqual({ text: 'all saved', tone: 'good' });
  });

  it('counts what was saved when some orders became dead letters or were discarded', () => {
    const partly = { ...SUCCEEDED, saved: 990, deadLettered: 7, discarded: 3 };
    expect(stateOf(partly)).toEqual({ text: '990 of 1,000 saved', tone: 'warn' });
    expect(stateOf({ ...SUCCEEDED, saved: 0, deadLettered: 1_000 })).toEqual({ text: 'none saved', tone: 'bad' });
  });

  it('of a redrive depends on the letters that were saved, not on those that were sent', () => {
    expect(stateOf(redriven({}))).toEqual({ text: 'all saved', tone: 'good' });
    expect(stateOf(redriven({ saved: 0, returned: 208 }))).toEqual({ text: 'none saved', tone: 'bad' });
    expect(stateOf(redriven({ saved: 8, returned: 200 }))).toEqual({ text: '8 of 208 saved', tone: 'warn' });
    expect(stateOf(redriven({ moved: 207, saved: 207, unmovable: 1 })).text).toBe('207 of 208 saved');
    expect(stateOf(redriven({ moved: 0, saved: 0 }))).toEqual({ text: 'nothing to save', tone: 'good' });
    expect(stateOf({ ...redriven({ saved: 100, waiting: 108 }), status: 'cancelled' }).text).toBe(
      'cancelled, saving 48 %',
    );
  });

  it('shows the progress while it runs, and a requested interruption', () => {
    const running = { ...SUCCEEDED, status: 'running', acked: 999 } as const;
    expect(stateOf(running)).toEqual({ text: 'sending 99 %', tone: 'busy' });
    expect(stateOf({ ...running, kind: 'import', count: null }).text).toBe('reading files');
    expect(stateOf({ ...running, interruption: 'cancel' }).text).toBe('cancelling');
    expect(stateOf({ ...running, interruption: 'pause' }).text).toBe('pausing');
    expect(stateOf({ ...running, status: 'paused' }).text).toBe('paused');
    expect(stateOf({ ...running, status: 'failed' })).toEqual({ text: 'failed', tone: 'bad' });
  });

  it('of a cancelled operation shows that sent orders are still being saved', () => {
    const cancelled = { ...SUCCEEDED, status: 'cancelled', saved: 400 } as const;
    expect([stateOf(cancelled).text, isInProgress(cancelled)]).toEqual(['cancelled, saving 40 %', true]);
    expect(stateOf({ ...cancelled, saved: 1_000 }).text).toBe('cancelled');
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
