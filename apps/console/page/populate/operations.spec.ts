import type { Operation } from '#api/producer.js';
import { describe, expect, it } from '@jest/globals';
import { anOperation } from '#orders/testing/an-operation.js';
import { extraLettersText, isInProgress, mergeNewest, sendingSeconds, stateOf, unsentOrders } from './operations.js';
import { toPopulateRequest } from './populate-form.js';

const ENDED: Operation = anOperation({
  status: 'succeeded' as const,
  state: { code: 'allSaved' as const, text: 'all saved' },
  startedAt: '2026-01-31T12:00:00.000Z',
  finishedAt: '2026-01-31T12:00:12.500Z',
});
const SENDING: Operation = anOperation({ count: 100_000, acked: 40_000 });

/** Operations with these ids of one character. */
function operationsOf(ids: string): Operation[] {
  return Array.from(ids, (id) => ({ ...ENDED, id }));
}

describe('the state of an operation', () => {
  it.each([
    ['saving', 'busy'],
    ['allSaved', 'good'],
    ['partlySaved', 'warn'],
    ['noneSaved', 'bad'],
    ['failed', 'bad'],
  ] as const)('has the words of the producer, and is green only when all is saved: %s is %s', (code, tone) => {
    expect(stateOf({ ...ENDED, state: { code, text: 'as it is' } })).toEqual({ text: 'as it is', tone });
  });

  it.each([
    ['cancel', 'cancelling'],
    ['pause', 'pausing'],
  ] as const)('shows a requested %s until it takes effect', (interruption, text) => {
    expect(stateOf({ ...SENDING, interruption })).toEqual({ text, tone: 'warn' });
  });

  it('is in progress until the result of each sent order is known, also after a cancellation', () => {
    const state = { code: 'saving', text: 'cancelled at 40 %, saving 70 %' } as const;
    const cancelled = { ...ENDED, status: 'cancelled', state } as const;
    expect([isInProgress(cancelled), stateOf(cancelled).tone]).toEqual([true, 'warn']);
    expect(isInProgress({ ...cancelled, state: { code: 'allSaved', text: '' } })).toBe(false);
    expect(isInProgress(ENDED)).toBe(false);
    expect(isInProgress({ ...ENDED, status: 'paused' })).toBe(true);
  });
});

describe('the orders that are sent', () => {
  it.each<[string, Operation[] | null, number]>([
    ['of running operations', [SENDING, { ...SENDING, count: null }, { ...SENDING, acked: 99_000 }], 61_000],
    ['except at a requested rate', [{ ...SENDING, requestedRatePerSecond: 10 }], 0],
    ['except of one that is interrupted', [{ ...SENDING, interruption: 'cancel' }], 0],
    ['except of one that is paused', [{ ...SENDING, status: 'paused' }], 0],
    ['none while the operations are unknown', null, 0],
  ])('are counted before they are in Kafka: %s', (_, operations, count) => {
    expect(unsentOrders(operations)).toBe(count);
  });
});

describe('the dead letters beyond the orders', () => {
  const faults = { poison: 7, oversized: 0, duplicate: 9, conflict: 0 };

  it.each([
    [{ ...faults, conflict: 8 }, '8 more dead letters, of conflict records beyond the orders'],
    [{ ...faults, conflict: 1 }, '1 more dead letter, of a conflict record beyond the orders'],
    // A duplicate is no dead letter.
    [faults, undefined],
    [null, undefined],
  ])('are those of conflict records, which the operation does not count: %j', (ackedFaults, text) => {
    expect(extraLettersText({ ackedFaults })).toBe(text);
  });
});

describe('the time that an operation took', () => {
  it.each<[string, Partial<Operation>, number | null]>([
    ['is known when it ended', {}, 12.5],
    ['counts on while it runs', { finishedAt: null }, 60],
    ['is unknown before it starts', { startedAt: null, finishedAt: null }, null],
    ['is never negative when the clocks differ', { startedAt: '2026-01-31T12:02:00.000Z', finishedAt: null }, 0],
  ])('%s', (_, change, seconds) => {
    expect(sendingSeconds({ ...ENDED, ...change }, Date.parse('2026-01-31T12:01:00Z'))).toBe(seconds);
  });
});

describe('merging the newest operations', () => {
  it.each([
    ['keeps older operations that were loaded before, and replaces the newest', '54321', '654', '654321'],
    ['begins with none', '', '21', '21'],
    ['drops them when newer ones could be missing in between', '321', '987', '987'],
    ['drops them when there are none', '321', '', ''],
  ])('%s', (_, known, newest, merged) => {
    expect(mergeNewest(operationsOf(known), operationsOf(newest))).toEqual(operationsOf(merged));
  });
});

describe('the request of the populate form', () => {
  it('leaves empty fields to the defaults of the service', () => {
    expect(JSON.stringify(toPopulateRequest({ count: 7 }))).toBe('{"count":7}');
  });

  it('has faults as fractions, and none without any', () => {
    expect(toPopulateRequest({ count: 7, seed: 0, poison: 0, conflict: 2.5, duplicate: 100 })).toMatchObject({
      seed: 0,
      faults: { conflict: 0.025, duplicate: 1 },
    });
    expect(toPopulateRequest({ count: 7, poison: 0 })).not.toHaveProperty('faults');
  });
});
