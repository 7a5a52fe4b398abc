import { migrationOf } from '../../apps/console/page/migration/testing/migration-example.js';
import type { MigrationResponse } from '../../apps/facade/src/migration/migration-response.js';
import { NOW } from './scripted-states.js';

type CapabilityState = MigrationResponse['capabilities']['writes'];

export const GATE: CapabilityState['gate'] = [
  { condition: 'samples', wanted: 'at least 1000 since the last change', found: '412', holds: false },
  { condition: 'mismatches', wanted: 'at most 0', found: '2', holds: false },
  { condition: 'error-rate', wanted: 'at most 0.1 % of the requests to the new side', found: '0 %', holds: true },
  { condition: 'p99', wanted: 'at most 50 ms on the new side', found: '6 ms', holds: true },
  { condition: 'oldest-intent', wanted: 'no open intent older than 10000 ms', found: '240 ms', holds: true },
  {
    condition: 'verify',
    wanted: 'the last verify with 0 differences, begun after the last change that made the new side get more accounts',
    found: 'no verify',
    holds: false,
  },
];

const MET: CapabilityState['gate'] = GATE.map(({ condition, wanted, found }) => ({
  condition,
  wanted,
  found,
  holds: true,
}));

const USED = {
  samples: 412,
  p50Ms: { legacy: 1.2, new: 2.1 },
  p99Ms: { legacy: 4.8, new: 5.6 },
  gate: GATE,
} satisfies Partial<CapabilityState>;

/** Writes go to both sides; reads by id are compared, and two differ. */
export const SHADOW: MigrationResponse = migrationOf(
  {
    writes: { ...USED, stage: 'dualwrite', version: 2, samples: 12_044, pendingIntents: 2, mismatches: 0 },
    'read-by-id': { ...USED, stage: 'shadow', version: 2, mismatches: 2 },
    'read-by-page': { ...USED, stage: 'shadow', version: 2, gate: MET },
  },
  { revision: 7 },
);

/** Half of the reads by id are answered by the new side. */
export const LIVE: MigrationResponse = migrationOf(
  {
    writes: { ...USED, stage: 'dualwrite', version: 2 },
    'read-by-id': {
      ...USED,
      stage: 'live',
      percent: 50,
      version: 4,
      gate: MET,
    },
    'read-by-page': { ...USED, stage: 'shadow', version: 3, cause: 'mismatches: 1 since the last change' },
  },
  { revision: 9 },
);

export const HELD: MigrationResponse = migrationOf(
  { writes: { stage: 'dualwrite', percent: 30, version: 2 } },
  { hold: { by: 'ada', reason: 'audit week', since: NOW }, revision: 8 },
);

export const CHANGING: MigrationResponse = migrationOf(
  { writes: { stage: 'dualwrite', version: 2 } },
  { change: { stage: 'live', percent: 25, step: 'drain', by: 'ada', reason: 'next', deadline: NOW }, revision: 8 },
);
