import { describe, expect, it } from '@jest/globals';
import { readsAt, snapshotAt } from '../testing/snapshots.js';
import { byCapability } from './capability.js';
import { NO_FIGURES, type Figures } from './figures.js';
import type { MigrationSnapshot } from './migration-snapshot.js';
import { decideRollbacks, type Observed } from './rollback-policy.js';

const LIMITS = { maxErrorRate: 0.05, minRequests: 20, maxMismatches: 0 };
const FAILING: Figures = { ...NO_FIGURES, requests: { legacy: 100, new: 100 }, failures: { legacy: 0, new: 6 } };
const LIVE = snapshotAt({ writes: ['live'], ...readsAt('live') });

function decide(snapshot: MigrationSnapshot, lately: Figures, { isLegacyAway = false, mismatches = 0 } = {}): string[] {
  const each: Observed = { sinceChange: { ...NO_FIGURES, mismatches }, lately };
  const observed = byCapability(() => each);
  return decideRollbacks(snapshot, observed, LIMITS, isLegacyAway).map((decision) =>
    decision.decision === 'alert' ? `${decision.capability} alert` : `${decision.capability} to ${decision.stage}`,
  );
}

describe('automatic rollback', () => {
  it('goes one stage back when the new side fails too often', () => {
    expect(decide(LIVE, FAILING)).toEqual([
      'writes to dualwrite',
      'read-by-id to shadow',
      'read-by-page to shadow',
      'read-by-range to shadow',
    ]);
    expect(decide(snapshotAt({ writes: ['live'], 'read-by-id': ['complete'] }), FAILING)).toContain(
      'read-by-id to live',
    );
  });

  it('goes back at the first mismatch above the limit', () => {
    expect(decide(LIVE, NO_FIGURES, { mismatches: 1 })).toHaveLength(4);
    expect(decide(LIVE, NO_FIGURES)).toEqual([]);
  });

  it('does nothing at the limit, or with too few requests', () => {
    expect(decide(LIVE, { ...FAILING, failures: { legacy: 0, new: 5 } })).toEqual([]);
    expect(decide(LIVE, { ...FAILING, requests: { legacy: 0, new: 19 }, failures: { legacy: 0, new: 19 } })).toEqual(
      [],
    );
  });

  it('does nothing where the legacy system answers: the new side fails no client there', () => {
    expect(decide(snapshotAt({ writes: ['dualwrite'], ...readsAt('shadow') }), FAILING, { mismatches: 9 })).toEqual([]);
  });

  it('does not count failures of the legacy system', () => {
    expect(decide(LIVE, { ...FAILING, failures: { legacy: 100, new: 0 } })).toEqual([]);
  });

  it('alerts instead of going back to a legacy system that is away, or that misses orders', () => {
    const alerts = ['writes alert', 'read-by-id alert', 'read-by-page alert', 'read-by-range alert'];
    expect(decide(LIVE, FAILING, { isLegacyAway: true })).toEqual(alerts);
    expect(decide(snapshotAt({ writes: ['complete'], ...readsAt('complete') }), FAILING)).toEqual(alerts);
  });
});
