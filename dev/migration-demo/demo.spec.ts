import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { RequestLog } from '../migration-journey/request-log.js';
import { PROJECT_DIRECTORY } from '../project-directory.js';
import { type DemoReport, verdictsOf } from './demo-report.js';
import { TRANSLATION_BUGS, withBug } from './translation-bugs.js';

describe('the translation bugs of the demo', () => {
  it.each(TRANSLATION_BUGS)('$name: can be planted in the compiled file', (bug) => {
    const text = readFileSync(join(PROJECT_DIRECTORY, bug.file), 'utf8');
    expect(withBug(text, bug)).toContain(bug.by);
  });
});

const log = new RequestLog({ now: () => 0 });
const wrongLog = new RequestLog({ now: () => 0 });
wrongLog.judgedWrong({ kind: 'writes', stage: 'live', facade: 'facade', path: '/orders', reason: 'is null', at: 0 });
const stores = {
  legacyOrders: 3,
  ordersOnTarget: 3,
  acknowledged: 1,
  lost: [],
  doubled: [],
  differing: [],
  onOneSide: [],
};
const caught = {
  capability: 'read-by-id',
  key: 'id-1',
  path: 'createdAt',
  field: 'createdAt',
  legacy: '"12:00"',
  new: '"17:30"',
  afterSeconds: 1,
  unmet: ['mismatches'],
};
const rolledBack = { openWrites: 20, missing: 0, checked: 500, secondsToRollBack: 1, secondsToCatchUp: 3 };
const findings = { gates: [], outages: [], caught, rolledBack, completeSince: 0, shadowSince: 0 };
const failure = {
  kind: 'writes',
  stage: 'live',
  facade: 'facade',
  status: 503,
  code: 'new-away',
  message: '',
  from: 1,
  to: 2,
} as const;
type Judged = Parameters<typeof verdictsOf>[0];
const GOOD: Judged = {
  options: { bug: TRANSLATION_BUGS[0], orders: 3, rate: 30, facadeSettings: {}, reportFolder: 'reports' },
  problem: undefined,
  findings,
  log,
  failures: [{ ...failure, allowedBecause: 'a consumer was killed' }],
  stores,
};

function failedVerdicts(change: Partial<DemoReport>): string[] {
  return verdictsOf({ ...GOOD, ...change }).flatMap(({ what, holds }) => (holds ? [] : [what]));
}

describe('the verdicts of the demo', () => {
  it('hold if nothing is wrong', () => {
    expect(failedVerdicts({})).toEqual([]);
  });

  it.each<[string, Partial<DemoReport>]>([
    ['the whole way, by the gates only', { problem: 'writes to live: not within 150 s' }],
    ['wrong answers', { log: wrongLog }],
    ['orders lost', { stores: { ...stores, lost: ['one'] } }],
    ['orders duplicated', { stores: { ...stores, doubled: ['one'] } }],
    ['orders that differ', { stores: { ...stores, differing: ['one'] } }],
    ['orders on one side only', { stores: { ...stores, onOneSide: ['one'] } }],
    ['failed requests that the contract does not allow', { failures: [{ ...failure, allowedBecause: undefined }] }],
    ['bug local-time-as-utc caught in shadow', { findings: { ...findings, caught: undefined } }],
    ['orders missing on the legacy system after the rollback', { findings: { ...findings, rolledBack: undefined } }],
    [
      'orders missing on the legacy system after the rollback',
      { findings: { ...findings, rolledBack: { ...rolledBack, missing: 1 } } },
    ],
  ])('fail: %s', (what, change) => {
    expect(failedVerdicts(change)).toEqual([what]);
  });
});
