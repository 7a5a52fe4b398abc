import type { Capability } from '../capability.js';
import type { Backfill, CapabilityState, Migration, Verification } from '#api/facade.js';

const SINCE = '2026-01-31T12:00:00.000Z';

/** Returns a migration in which everything is `off`, with the changes of a test. */
export function migrationOf(
  capabilities: Partial<Record<Capability, Partial<CapabilityState>>> = {},
  changes: Partial<Migration> = {},
): Migration {
  const state = (name: Capability): CapabilityState => ({
    stage: 'off',
    percent: 100,
    version: 1,
    since: SINCE,
    samples: 0,
    mismatches: 0,
    errorRate: { legacy: 0, new: 0 },
    p50Ms: { legacy: null, new: null },
    p99Ms: { legacy: null, new: null },
    pendingIntents: 0,
    gate: [],
    ...capabilities[name],
  });
  return {
    revision: 1,
    hold: null,
    change: null,
    instances: [{ name: 'facade-1', revision: 1, refreshedAt: SINCE }],
    capabilities: {
      writes: state('writes'),
      'read-by-id': state('read-by-id'),
      'read-by-page': state('read-by-page'),
      'read-by-range': state('read-by-range'),
    },
    ...changes,
  };
}

const RUN = {
  id: '01a20e65-570e-4570-bea6-26988d692e01',
  status: 'ended',
  problem: null,
  upTo: 1_000,
  done: 455,
  startedBy: 'ada',
  startedAt: SINCE,
  endedAt: null,
} as const;

/** A verify that found both sides equal. */
export const VERIFY: Verification = {
  ...RUN,
  result: 'equal',
  orders: { legacy: 1, new: 1 },
  differences: 0,
  byKind: { 'missing-in-new': 0, 'missing-in-legacy': 0, differs: 0, doubled: 0, unreadable: 0 },
  openIntervals: 0,
};

/** A backfill that was handed over to imports. */
export const BACKFILL: Backfill = { ...RUN, result: 'imported', translated: 9, untranslated: 0, operationIds: [] };
