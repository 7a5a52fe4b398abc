import { describe, expect, it } from '@jest/globals';
import { RequestLog } from '../load/request-log.js';
import { exampleReport } from '../testing/example-report.js';
import { verdictsOf, type DemoReport } from './demo-report.js';
import { htmlOf } from './report-html.js';
import { markdownOf } from './report-markdown.js';
import { stageTimes } from './stage-times.js';

const FOUND = { count: 1, first: ['new side: {"id": "<b>|1"}'] };
const FAILURE = {
  kind: 'writes',
  stage: 'live',
  code: 'outcome-unknown',
  message: 'the new side',
  from: Date.parse('2026-11-27T12:01:00.000Z'),
  to: Date.parse('2026-11-27T12:01:02.000Z'),
} as const;
const { stores, findings } = exampleReport();

describe('the report of the demo', () => {
  it('has succeeded if each check holds', () => {
    expect(verdictsOf(exampleReport()).filter(({ holds }) => !holds)).toEqual([]);
    expect(markdownOf(exampleReport())).toContain('# Migration demo: all checks passed');
  });

  it.each<[string, Partial<DemoReport>]>([
    ['an order is lost', { stores: { ...stores, lost: FOUND } }],
    ['an order is doubled', { stores: { ...stores, doubled: FOUND } }],
    ['an order differs', { stores: { ...stores, differing: FOUND } }],
    ['an order is on one side only', { stores: { ...stores, onOneSide: FOUND } }],
    ['a failed request is not allowed', { failures: [{ ...FAILURE, allowedBecause: undefined }] }],
    ['the bug was not caught', { findings: { ...findings, caught: undefined } }],
    ['there was no rollback', { findings: { ...findings, rolledBack: undefined } }],
    ['it could not go on', { problem: 'writes to live: not within 150 s' }],
  ])('fails if %s', (_what, change) => {
    const report = exampleReport(change);
    expect(verdictsOf(report).filter(({ holds }) => !holds)).toHaveLength(1);
    expect(markdownOf(report)).toContain('# Migration demo: a check failed');
    expect(htmlOf(report)).toContain('<td class="FAILED">FAILED</td>');
  });

  it('fails if an answer was wrong, and shows it', () => {
    const log = new RequestLog();
    log.judgedWrong({ kind: 'read-by-id', stage: 'live', path: '/orders/1', reason: 'is <null>', at: 0 });
    const failed = exampleReport({ log });
    expect(verdictsOf(failed).filter(({ holds }) => !holds)).toEqual([
      { what: 'wrong answers', found: '1', holds: false },
    ]);
    expect(htmlOf(failed)).toContain('is &lt;null&gt;');
  });

  it('shows the bug with its field, each gate, the requests and the failed ones', () => {
    const text = markdownOf(exampleReport({ failures: [{ ...FAILURE, allowedBecause: 'a consumer was killed' }] }));
    for (const line of [
      '| read-by-id | id-1 | createdAt | createdAt | "12:00" | "17:30" |',
      '| 99.0 | writes to live at 50 % | 1004 |',
      '| writes | dualwrite | 2 | 0 | 4.0 | 6.0 |',
      '| writes | outcome-unknown | 1 | 60.0 | 62.0 | a consumer was killed |',
      '| backfill | 12.3 | 100,000 orders copied |',
    ])
      expect(text).toContain(line);
  });

  it('escapes what orders have in them', () => {
    const report = exampleReport({ stores: { ...stores, lost: FOUND } });
    expect(markdownOf(report)).toContain('&lt;b>\\|1');
    expect(htmlOf(report)).toContain('&lt;b&gt;|1');
  });

  it('shows how long each capability was in each stage', () => {
    const entry = { by: 'x', reason: 'x', capability: 'writes' };
    const entries = [
      { ...entry, at: '2026-11-27T12:00:00.000Z', action: 'change', to: 'dualwrite at 100 %' },
      { ...entry, at: '2026-11-27T12:00:01.000Z', action: 'refusal', to: 'live at 100 %' },
      { ...entry, at: '2026-11-27T12:00:30.000Z', action: 'rollback', to: 'off' },
    ];
    expect(stageTimes(entries, new Date('2026-11-27T12:01:00.000Z'))).toEqual([
      { capability: 'writes', stage: 'dualwrite at 100 %', seconds: 30 },
      { capability: 'writes', stage: 'off', seconds: 30 },
    ]);
  });
});
