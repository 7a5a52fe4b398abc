import { describe, expect, it } from '@jest/globals';
import type { Backfill, Verification } from './facade-api.js';
import { findingText } from './finding-text.js';
import { backfillState, donePercent, verifyState } from './run-state.js';

const RUN = {
  id: 'r',
  status: 'ended',
  problem: null,
  upTo: 1_000,
  done: 455,
  startedBy: 'ada',
  startedAt: '2026-01-31T12:00:00.000Z',
  endedAt: null,
} as const;

const VERIFY: Verification = {
  ...RUN,
  result: 'equal',
  orders: { legacy: 1, new: 1 },
  differences: 0,
  byKind: { 'missing-in-new': 0, 'missing-in-legacy': 0, differs: 0, doubled: 0, unreadable: 0 },
  openIntervals: 0,
};

const BACKFILL: Backfill = { ...RUN, result: 'imported', translated: 9, untranslated: 0, operationIds: [] };

describe('the state of a verify', () => {
  it.each<[Partial<Verification>, string, string]>([
    [{ status: 'running' }, 'comparing 45 %', 'busy'],
    [{ status: 'running', problem: 'away' }, 'waiting 45 %', 'warn'],
    [{ status: 'cancelled' }, 'cancelled', 'warn'],
    [{}, 'both sides are equal', 'good'],
    [{ result: 'different', differences: 1 }, '1 difference', 'bad'],
    [{ result: 'open' }, 'writes were still open', 'warn'],
  ])('%j', (changes, text, tone) => {
    expect(verifyState({ ...VERIFY, ...changes })).toEqual({ text, tone });
  });
});

describe('the state of a backfill', () => {
  it.each<[Partial<Backfill>, string, string]>([
    [{ status: 'running' }, 'translating 45 %', 'busy'],
    [{}, 'handed over to imports', 'good'],
    [{ result: 'incomplete', untranslated: 3 }, '3 orders have no exact translation', 'warn'],
  ])('%j', (changes, text, tone) => {
    expect(backfillState({ ...BACKFILL, ...changes })).toEqual({ text, tone });
  });
});

it('a run over no numbers is done', () => {
  expect([donePercent({ done: 0, upTo: 0 }), donePercent({ done: 0, upTo: 7 })]).toEqual([100, 0]);
});

describe('a finding', () => {
  const reason = { code: 'not-a-uuid', field: 'id', value: '"A-7"', detail: 'must be a UUID' };

  it('names the order, and each field with both values', () => {
    const fields = [{ path: 'price', legacy: 187.35, new: '187.36' }];
    expect(findingText({ kind: 'differs', number: 1_001, id: 'x', fields })).toBe(
      'Number 1,001 (x): price is 187.35 in the legacy system, "187.36" on the new side',
    );
  });

  it('says why an order has no exact translation', () => {
    expect(findingText({ number: 7, id: null, reason })).toBe('Number 7: not-a-uuid of id "A-7", must be a UUID');
    expect(findingText({ kind: 'missing-in-new', number: 7, id: null, reason })).toBe(
      'Number 7: missing-in-new, not-a-uuid of id "A-7", must be a UUID',
    );
  });

  it('may have neither a number nor a cause', () => {
    expect(findingText({ kind: 'unreadable', number: null, row: '[]' })).toBe(
      'An element without a number: unreadable',
    );
  });
});
