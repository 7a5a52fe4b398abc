import { TRANSLATION_BUGS } from '../bugs/translation-bugs.js';
import { RequestLog } from '../load/request-log.js';
import type { DemoReport } from '../report/demo-report.js';

const NONE = { count: 0, first: [] };

/** Returns the report of a demo in which all went well. */
export function exampleReport(change: Partial<DemoReport> = {}): DemoReport {
  const log = new RequestLog();
  log.answered('writes', 'dualwrite', 4);
  log.answered('writes', 'dualwrite', 6);
  log.answered('read-by-id', 'shadow', 2);
  return {
    options: { bug: TRANSLATION_BUGS[0], orders: 100_000, rate: 150, facadeSettings: {}, reportFolder: 'reports' },
    startedAt: new Date('2026-11-27T12:00:00.000Z'),
    machine: { cpu: 'A', cores: 2, memoryGiB: 8, system: 'linux x64 6', node: 'v24.0.0', loadAverage: 0.2 },
    commit: 'abc1234',
    steps: [{ title: 'backfill', seconds: 12.34, result: '100,000 orders copied' }],
    problem: undefined,
    findings: {
      gates: [
        {
          target: { capability: 'writes', stage: 'live', percent: 50 },
          atSeconds: 99,
          conditions: [{ condition: 'samples', wanted: 'at least 1000', found: '1004', holds: true }],
          p50Ms: { legacy: 1, new: 2 },
          p99Ms: { legacy: 3, new: null },
        },
      ],
      caught: {
        capability: 'read-by-id',
        key: 'id-1',
        path: 'createdAt',
        field: 'createdAt',
        legacy: '"12:00"',
        new: '"17:30"',
        afterSeconds: 1.5,
        unmet: ['mismatches'],
      },
      rolledBack: { openWrites: 20, missing: 0, checked: 500, secondsToRollBack: 0.2, secondsToCatchUp: 3 },
      completeSince: 0,
      shadowSince: 0,
    },
    audit: [],
    log,
    failures: [],
    stores: {
      legacyOrders: 101_000,
      newOrders: 101_100,
      acknowledged: 1_100,
      lost: NONE,
      doubled: NONE,
      differing: NONE,
      onOneSide: NONE,
    },
    totalSeconds: 240,
    ...change,
  };
}
