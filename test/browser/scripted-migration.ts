import type { z } from 'zod';
import { migrationOf } from '../../apps/console/page/migration/testing/migration-example.js';
import type { BackfillResponse } from '../../apps/facade/src/backfill/backfill-response.js';
import type {
  AuditSchema,
  MigrationResponse,
  PendingIntentsSchema,
} from '../../apps/facade/src/migration/migration-response.js';
import type { VerificationResponse } from '../../apps/facade/src/verify/verification-response.js';
import { answerBusy } from './scripted-answers.js';
import type { ScriptedOrigin } from './scripted-origin.js';
import { NOW, ORDER_ID } from './scripted-states.js';

const RUN = '01a20e65-570e-4570-bea6-26988d692e01';

const VERIFIED: VerificationResponse = {
  id: RUN,
  status: 'ended',
  problem: null,
  upTo: 100_000,
  done: 100_000,
  startedBy: 'ada',
  startedAt: NOW,
  endedAt: '2026-01-31T12:00:08.000Z',
  result: 'different',
  orders: { legacy: 100_000, new: 99_999 },
  differences: 2,
  byKind: { 'missing-in-new': 1, 'missing-in-legacy': 0, differs: 1, doubled: 0, unreadable: 0 },
  openIntervals: 0,
};

const BACKFILLED: BackfillResponse = {
  id: RUN,
  status: 'running',
  problem: null,
  upTo: 100_000,
  done: 45_000,
  startedBy: 'ada',
  startedAt: NOW,
  endedAt: null,
  result: null,
  translated: 44_999,
  untranslated: 1,
  operationIds: [],
};

const PENDING: z.infer<typeof PendingIntentsSchema> = {
  count: 2,
  items: [
    {
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
      reason: 'the new side did not answer within 10000 ms',
      instance: 'facade-1',
    },
    {
      id: ORDER_ID.replace('9', '8'),
      number: 100_413,
      accountId: 'acc-8',
      bucket: 12,
      seq: 3,
      answering: 'legacy',
      legacy: 'stored',
      new: 'open',
      ageMs: 120,
      attempts: 0,
      reason: null,
      instance: 'facade-1',
    },
  ],
};

const MISMATCHES = {
  items: [
    {
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
    },
  ],
  next: null,
};

const AUDIT: z.infer<typeof AuditSchema> = {
  items: [
    {
      id: 'a2',
      at: NOW,
      by: 'facade',
      action: 'rollback',
      reason: 'mismatches: 1 since the last change',
      revision: 9,
      capability: 'read-by-page',
      from: 'live at 10 %',
      to: 'shadow at 100 %',
    },
    {
      id: 'a1',
      at: NOW,
      by: 'ada',
      action: 'change',
      reason: 'first accounts',
      revision: 2,
      capability: 'writes',
      from: 'off',
      to: 'dualwrite at 100 %',
    },
  ],
};

/** Answers as a busy pipeline with a facade in a state, which has compared, backfilled and verified. */
export function answerMigration(state: MigrationResponse): (origin: ScriptedOrigin) => void {
  return (origin) => {
    answerBusy(origin);
    const settings = {
      clientId: 'orders-console',
      queryApiUrl: 'http://127.0.0.1:3000',
      hasFacade: true,
      allowsFaults: false,
    };
    origin.on('GET /page-settings.json', { body: settings });
    origin.on('GET /v1/migration', { body: state });
    origin.on('GET /v1/migration/pending', { body: PENDING });
    origin.on('GET /v1/migration/audit', { body: AUDIT });
    origin.on('GET /v1/migration/mismatches', { body: MISMATCHES });
    origin.on('GET /v1/migration/backfill', { body: BACKFILLED });
    origin.on('GET /v1/migration/verify', { body: VERIFIED });
    origin.on(`GET /v1/migration/verify/${RUN}/differences`, {
      body: {
        items: [
          {
            kind: 'missing-in-new',
            number: 77,
            id: null,
            reason: { code: 'not-a-uuid', field: 'id', value: '"A-77"', detail: 'must be a UUID' },
          },
          { kind: 'differs', number: 1_001, id: ORDER_ID, fields: [{ path: 'price', legacy: 187.35, new: 187.36 }] },
        ],
      },
    });
    origin.on(`GET /v1/migration/backfill/${RUN}/untranslated`, {
      body: {
        items: [
          {
            number: 77,
            id: 'A-77',
            reason: { code: 'not-a-uuid', field: 'id', value: '"A-77"', detail: 'must be a UUID' },
          },
        ],
      },
    });
  };
}

/** Answers as a facade before any migration, without a backfill and a verify. */
export function answerOff(origin: ScriptedOrigin): void {
  answerMigration(migrationOf())(origin);
  origin.on('GET /v1/migration/pending', { body: { count: 0, items: [] } });
  origin.on('GET /v1/migration/audit', { body: { items: [] } });
  origin.on('GET /v1/migration/mismatches', { body: { items: [], next: null } });
  for (const run of ['backfill', 'verify'])
    origin.on(`GET /v1/migration/${run}`, { status: 404, body: { code: 'not-found', detail: 'There was none yet.' } });
}
