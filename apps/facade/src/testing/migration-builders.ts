import { aLegacyOrder } from '#orders/testing/an-order.js';
import type { Intent } from '../writes/bucket-store.js';
import { type Capability, type Stage, initialSnapshot, type MigrationSnapshot } from '../stages/migration-snapshot.js';

/** Returns an intent of `dualwrite` whose `seq` is the legacy number of its order. */
export function anIntent(number: number, change: Partial<Intent> = {}): Intent {
  return {
    seq: number,
    epoch: 1,
    order: aLegacyOrder({ number }),
    isIdGiven: false,
    isNumberGiven: false,
    answering: 'legacy',
    legacy: 'open',
    new: 'open',
    admittedAt: new Date(0),
    instance: 'a',
    attempts: 0,
    lastError: null,
    ...change,
  };
}

type Place = readonly [stage: Stage, percent?: number];

/** Returns a snapshot with some capabilities at other stages than `off`. */
export function snapshotAt(places: Partial<Record<Capability, Place>>): MigrationSnapshot {
  const snapshot = initialSnapshot(new Date(0));
  const changed = Object.entries(places).map(([capability, [stage, percent = 100]]) => [
    capability,
    { stage, percent, version: 7, since: new Date(0) },
  ]);
  const capabilities = {
    ...snapshot.capabilities,
    ...Object.fromEntries(changed),
  } as MigrationSnapshot['capabilities'];
  const { stage, percent } = capabilities.writes;
  return { ...snapshot, capabilities, fence: stage === 'off' ? null : { epoch: 1, period: 1, stage, percent } };
}

/** All reads at one stage. */
export function readsAt(...place: Place): Partial<Record<Capability, Place>> {
  return { 'read-by-id': place, 'read-by-page': place, 'read-by-range': place };
}
