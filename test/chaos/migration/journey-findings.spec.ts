import { describe, expect, it } from '@jest/globals';
import { positionAt } from '../../../dev/migration-journey/position.js';
import { allowedByCode, journeyFindings, type JourneyEvidence } from './journey-findings.js';
import { COLUMNS } from './migration-faults.js';

const cellIn = (column: string) => ({
  column,
  kind: 'kill',
  subject: 'it',
  lastedMs: 1,
  recoveredMs: 2_500,
  answered: 1,
  failed: 0,
  rolledBack: false,
});
const LOG: JourneyEvidence['log'] = { failed: [], wrong: [], answeredReads: 10 };
const RIGHT: JourneyEvidence = {
  log: LOG,
  windows: [],
  moves: [],
  cells: COLUMNS.map(({ name }) => cellIn(name)),
  stageProblems: [],
  storedProblems: [],
  comparisons: 3,
  acknowledged: 10,
  orderProblems: [],
  fileStates: 5,
  sentOrders: 5,
  mismatches: [],
  processes: [],
  loggedErrors: [],
};
const FAILURE = {
  kind: 'writes',
  stage: 'off',
  facade: 'facade',
  status: 503,
  code: 'legacy-away',
  message: '',
  from: 1_995,
  to: 2_000,
} as const;
const WRONG = { kind: 'read-by-id', stage: 'off', facade: 'a', path: '/orders/1', reason: 'b', at: 1 } as const;
const failedChecks = (more: Partial<JourneyEvidence>): string[] =>
  journeyFindings({ ...RIGHT, ...more }).flatMap(({ name, holds }) => (holds ? [] : [name]));

describe('the findings of a journey', () => {
  it('hold if nothing is wrong', () => {
    expect(failedChecks({})).toEqual([]);
  });

  it.each<[string, Partial<JourneyEvidence>]>([
    ['every acknowledged write', { storedProblems: ['lost'] }],
    ['every acknowledged write', { acknowledged: 0 }],
    ['every acknowledged write', { comparisons: 0 }],
    ["each account's writes keep their order", { orderProblems: ['swapped'] }],
    ["each account's writes keep their order", { fileStates: 1 }],
    ["each account's writes keep their order", { sentOrders: 0 }],
    ['each client reads its own writes', { log: { ...LOG, wrong: [WRONG] } }],
    ['each client reads its own writes', { log: { ...LOG, answeredReads: 0 } }],
    ['requests fail only where', { log: { ...LOG, failed: [FAILURE] } }],
    ['every stage was reached', { cells: RIGHT.cells.slice(1) }],
    ['every stage was reached', { stageProblems: ['verify ended with different'] }],
    ['no comparison found a mismatch', { mismatches: ['price'] }],
    ['the facades log no unexpected error', { loggedErrors: ['facade.log: unexpected error'] }],
    ['apps end only', { processes: ['facade ended with exit code 1'] }],
  ])('fail: %s', (name, more) => {
    expect(failedChecks(more)).toEqual([expect.stringContaining(name)]);
  });

  it('count the failed requests that a fault allows, by code', () => {
    const fault = { positions: [positionAt('off', 'off')], kind: 'kill-legacy', affects: 'legacy' } as const;
    const windows = [{ ...fault, from: 1_000, to: 3_000 }];
    const log = { ...LOG, failed: [FAILURE, FAILURE] };
    expect(failedChecks({ log, windows })).toEqual([]);
    expect(allowedByCode({ log, windows, moves: [] })).toEqual({ 'legacy-away': 2 });
  });
});
