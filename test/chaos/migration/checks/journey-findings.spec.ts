import { describe, expect, it } from '@jest/globals';
import type { HistoryEvent } from '../../history/history.js';
import { COLUMNS } from '../journey/columns.js';
import { allowedByCode, journeyFindings, type JourneyEvidence } from './journey-findings.js';

function historyOf(events: readonly HistoryEvent[]): JourneyEvidence['history'] {
  return { of: ((type: string) => events.filter((event) => event.type === type)) as JourneyEvidence['history']['of'] };
}

const CELL = {
  kind: 'kill',
  subject: 'it',
  lastedMs: 1,
  recoveredMs: 2_500,
  answered: 1,
  failed: 0,
  rolledBack: false,
};
const RIGHT: JourneyEvidence = {
  history: historyOf([]),
  windows: [],
  moves: [],
  cells: COLUMNS.map(({ name: column }) => ({ column, ...CELL })),
  stageProblems: [],
  storedProblems: [],
  comparisons: 3,
  acknowledged: 10,
  orderProblems: [],
  fileStates: 5,
  sentOrders: 5,
  readsAnswered: 10,
  mismatches: [],
  processes: [],
  loggedErrors: [],
};
const failure = {
  at: 2_000,
  type: 'facade-failure',
  what: 'write',
  facade: 'facade',
  status: 503,
  code: 'legacy-away',
  reason: null,
  tookMs: 5,
} as const;
const red = (more: Partial<JourneyEvidence>): string[] =>
  journeyFindings({ ...RIGHT, ...more }).flatMap(({ name, holds }) => (holds ? [] : [name]));

describe('the findings of a journey', () => {
  it('hold if nothing is wrong', () => {
    expect(red({})).toEqual([]);
  });

  it.each<[string, Partial<JourneyEvidence>]>([
    ['every acknowledged write', { storedProblems: ['lost'] }],
    ['every acknowledged write', { acknowledged: 0 }],
    ["each account's writes keep their order", { orderProblems: ['swapped'] }],
    [
      'each client reads its own writes',
      { history: historyOf([{ at: 1, type: 'wrong-answer', facade: 'a', reason: 'b' }]) },
    ],
    ['requests fail only where', { history: historyOf([failure]) }],
    ['every stage was reached', { cells: RIGHT.cells.slice(1) }],
    ['every stage was reached', { stageProblems: ['verify ended with different'] }],
    ['no comparison found a mismatch', { mismatches: ['price'] }],
    ['the facades log no unexpected error', { loggedErrors: ['facade.log: unexpected error'] }],
    ['apps end only', { processes: ['facade ended with exit code 1'] }],
  ])('fail: %s', (name, more) => {
    const [found, ...others] = red(more);
    expect(found).toContain(name);
    expect(others).toEqual([]);
  });

  it('count the failed requests that a fault allows, by code', () => {
    const [column] = COLUMNS;
    if (column === undefined) throw new RangeError('no column');
    const windows = [{ column, kind: 'kill-legacy', target: 'legacy', from: 1_000, to: 3_000 } as const];
    expect(red({ history: historyOf([failure]), windows })).toEqual([]);
    expect(allowedByCode({ history: historyOf([failure, failure]), windows, moves: [] })).toEqual({ 'legacy-away': 2 });
  });
});
