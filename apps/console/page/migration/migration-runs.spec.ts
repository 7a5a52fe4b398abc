import { expect, it } from '@jest/globals';
import type { Backfill, Verification } from '#api/facade.js';
import { findingText, backfillState, donePercent, verifyState, type Finding } from './migration-runs.js';
import { BACKFILL, VERIFY } from './testing/migration-example.js';
import { differenceOf } from './mismatch-list.js';

const REASON = { code: 'not-a-uuid', field: 'id', value: '"A-7"', detail: 'must be a UUID' };

it.each<[Partial<Verification>, string, string]>([
  [{ status: 'running' }, 'comparing 45 %', 'busy'],
  [{ status: 'running', problem: 'away' }, 'waiting 45 %', 'warn'],
  [{ status: 'cancelled' }, 'cancelled', 'warn'],
  [{}, 'both sides are equal', 'good'],
  [{ result: 'different', differences: 1 }, '1 difference', 'bad'],
  [{ result: 'open' }, 'writes were still open', 'warn'],
])('the state of the verify %j is “%s”', (changes, text, tone) => {
  expect(verifyState({ ...VERIFY, ...changes })).toEqual({ text, tone });
});

it.each<[Partial<Backfill>, string, string]>([
  [{ status: 'running' }, 'translating 45 %', 'busy'],
  [{}, 'handed over to imports', 'good'],
  [{ result: 'incomplete', untranslated: 3 }, '3 orders have no exact translation', 'warn'],
])('the state of the backfill %j is “%s”', (changes, text, tone) => {
  expect(backfillState({ ...BACKFILL, ...changes })).toEqual({ text, tone });
});

it('a run over no numbers is done', () => {
  expect([donePercent({ done: 0, upTo: 0 }), donePercent({ done: 0, upTo: 7 })]).toEqual([100, 0]);
});

it.each<[string, Finding, string]>([
  [
    'names the order, and each field with both values',
    { kind: 'differs', number: 1_001, id: 'x', fields: [{ path: 'price', legacy: 187.35, new: '187.36' }] },
    'Number 1,001 (x): price is 187.35 in the legacy system, "187.36" on the target',
  ],
  [
    'says why an order has no exact translation',
    { number: 7, id: null, reason: REASON },
    'Number 7: not-a-uuid of id "A-7", must be a UUID',
  ],
  [
    'says why an order is missing',
    { kind: 'missing-in-new', number: 7, id: null, reason: REASON },
    'Number 7: missing-in-new, not-a-uuid of id "A-7", must be a UUID',
  ],
  [
    'may have neither a number nor a cause',
    { kind: 'unreadable', number: null, row: '[]' },
    'An element without a number: unreadable',
  ],
])('a finding %s', (_, finding, text) => {
  expect(findingText(finding)).toBe(text);
});

it.each([
  ['"17:30:00"', '"18:30:00"', ['"1', '7', '8', ':30:00"']],
  ['187.35', '187.3500', ['187.35', '', '00', '']],
  ['aa', 'aaa', ['aa', '', 'a', '']],
  ['buy', 'sell', ['', 'buy', 'sell', '']],
  ['7', '7', ['7', '', '', '']],
  ['', 'new', ['', '', 'new', '']],
])('the part in which %s and %s differ', (legacy, other, [start, left, right, end]) => {
  expect(differenceOf(legacy, other)).toEqual({ start, legacy: left, new: right, end });
  expect([`${start}${left}${end}`, `${start}${right}${end}`]).toEqual([legacy, other]);
});
