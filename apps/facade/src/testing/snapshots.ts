import type { Capability, Stage } from '../stages/capability.js';
import { initialSnapshot, type MigrationSnapshot } from '../stages/migration-snapshot.js';

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
