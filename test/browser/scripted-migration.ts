import type { z } from 'zod';
import { BACKFILL, migrationOf, VERIFY } from '../../apps/console/page/migration/testing/migration-example.js';
import type {
  AuditSchema,
  MigrationResponse,
  PendingIntentsSchema,
} from '../../apps/facade/src/migration/migration-api.js';
import { answerBusy, PAGE_SETTINGS, type ScriptedOrigin, NOW, ORDER_ID } from './scripted-origin.js';

type CapabilityState = MigrationResponse['capabilities']['writes'];
type Intent = z.infer<typeof PendingIntentsSchema>['items'][number];
type Entry = z.infer<typeof AuditSchema>['items'][number];

export const GATE: CapabilityState['gate'] = [
  { condition: 'samples', wanted: 'at least 1000 since the last change', found: '412', holds: false },
  { condition: 'mismatches', wanted: 'at most 0', found: '2', holds: false },
  { condition: 'error-rate', wanted: 'at most 0.1 % of the requests to the target', found: '0 %', holds: true },
  { condition: 'p99', wanted: 'at most 50 ms on the target', found: '6 ms', holds: true },
  { condition: 'oldest-intent', wanted: 'no open intent older than 10000 ms', found: '240 ms', holds: true },
  {
    condition: 'verify',
    wanted: 'the last verify with 0 differences, begun after the last change that made the target get more accounts',
    found: 'no verify',
    holds: false,
  },
];
const MET = GATE.map((condition) => ({ ...condition, holds: true }));
const LATENCIES = { p50Ms: { legacy: 1.2, new: 2.1 }, p99Ms: { legacy: 4.8, new: 5.6 } };
const USED = { samples: 412, ...LATENCIES, gate: GATE, version: 2 } satisfies Partial<CapabilityState>;
const DUAL = { ...USED, stage: 'dualwrite' } satisfies Partial<CapabilityState>;

/** Writes go to both sides; reads by id are compared, and two differ. */
export const SHADOW = migrationOf(
  {
    writes: { ...DUAL, samples: 12_044, pendingIntents: 2, mismatches: 0 },
    'read-by-id': { ...USED, stage: 'shadow', mismatches: 2 },
    'read-by-page': { ...USED, stage: 'shadow', gate: MET },
  },
  { revision: 7 },
);

/** Half of the reads by id are answered by the target. */
export const LIVE = migrationOf(
  {
    writes: DUAL,
    'read-by-id': { ...USED, stage: 'live', percent: 50, version: 4, gate: MET },
    'read-by-page': { ...USED, stage: 'shadow', version: 3, cause: 'mismatches: 1 since the last change' },
  },
  { revision: 9 },
);

export const HELD = migrationOf(
  { writes: { stage: 'dualwrite', percent: 30, version: 2 } },
  { hold: { by: 'ada', reason: 'audit week', since: NOW }, revision: 8 },
);

export const CHANGING = migrationOf(
  { writes: { stage: 'dualwrite', version: 2 } },
  { change: { stage: 'live', percent: 25, step: 'drain', by: 'ada', reason: 'next', deadline: NOW }, revision: 8 },
);

const INTENT: Intent = {
  id: ORDER_ID,
  number: 100_412,
  accountId: 'acc-7',
  bucket: 711,
  seq: 12,
  answering: 'legacy',
  legacy: 'stored',
  new: 'sent',
  ageMs: 2_340,
  attempts: 1,
  reason: 'the target did not answer within 10000 ms',
  instance: 'facade-1',
};
const OPEN_INTENT: Intent = { ...INTENT, id: ORDER_ID.replace('9', '8'), number: 100_413, new: 'open', reason: null };

const MISMATCH = {
  id: '65b0c0ffee65b0c0ffee65b0',
  capability: 'read-by-id',
  version: 2,
  key: ORDER_ID,
  recheck: 'differs',
  paths: [
    { path: 'createdAt', legacy: '"2026-01-31 17:30:00"', new: '"2026-01-31 18:30:00"' },
    { path: 'price', legacy: '187.35', new: '187.3500', code: 'not-a-plain-decimal' },
  ],
  legacyRaw: '{"id":"970844c7","number":1001,"createdAt":"2026-01-31 17:30:00","price":187.35}',
  newRaw: '{"id":"970844c7","number":1001,"createdAt":"2026-01-31 18:30:00","price":187.3500}',
  count: 3,
  firstAt: NOW,
  lastAt: NOW,
};

const ROLLBACK: Entry = {
  id: 'a2',
  at: NOW,
  by: 'facade',
  action: 'rollback',
  reason: 'mismatches: 1 since the last change',
  revision: 9,
  capability: 'read-by-page',
  from: 'live at 10 %',
  to: 'shadow at 100 %',
};
const CHANGE: Entry = { ...ROLLBACK, id: 'a1', by: 'ada', action: 'change', reason: 'first accounts', revision: 2 };

const UNTRANSLATED = { code: 'not-a-uuid', field: 'id', value: '"A-77"', detail: 'must be a UUID' };
const DIFFERS = { kind: 'differs', number: 1_001, id: ORDER_ID };

/** Answers as a busy pipeline with a facade in a state, which has compared, backfilled and verified. */
export function answerMigration(state: MigrationResponse): (origin: ScriptedOrigin) => void {
  return (origin) => {
    answerBusy(origin);
    origin.answer({
      'GET /page-settings.json': { ...PAGE_SETTINGS, hasFacade: true, allowsFaults: false },
      'GET /v1/migration': state,
      'GET /v1/migration/pending': { count: 2, items: [INTENT, OPEN_INTENT] },
      'GET /v1/migration/audit': { items: [ROLLBACK, CHANGE] },
      'GET /v1/migration/mismatches': { items: [MISMATCH], next: null },
      'GET /v1/migration/backfill': { ...BACKFILL, status: 'running', untranslated: 1 },
      'GET /v1/migration/verify': { ...VERIFY, result: 'different', differences: 2 },
      [`GET /v1/migration/verify/${VERIFY.id}/differences`]: {
        items: [
          { kind: 'missing-in-new', number: 77, id: null, reason: UNTRANSLATED },
          { ...DIFFERS, fields: [{ path: 'price', legacy: 187.35, new: 187.36 }] },
        ],
      },
      [`GET /v1/migration/backfill/${BACKFILL.id}/untranslated`]: {
        items: [{ number: 77, id: 'A-77', reason: UNTRANSLATED }],
      },
    });
  };
}

/** Answers as a facade before any migration, without a backfill and a verify. */
export function answerOff(origin: ScriptedOrigin): void {
  answerMigration(migrationOf())(origin);
  origin.answer({
    'GET /v1/migration/pending': { count: 0, items: [] },
    'GET /v1/migration/audit': { items: [] },
    'GET /v1/migration/mismatches': { items: [], next: null },
  });
  for (const run of ['backfill', 'verify'])
    origin.on(`GET /v1/migration/${run}`, { status: 404, body: { code: 'not-found', detail: 'There was none yet.' } });
}
