import type { Capability } from '../capability.js';
import type { CapabilityState, Migration } from '../facade-api.js';

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
