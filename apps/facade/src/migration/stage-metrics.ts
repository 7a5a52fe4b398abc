import { Gauge, type Registry } from 'prom-client';
import type { Clock } from '@orders-pipeline/clock';
import { CAPABILITIES, stagesOf, type Capability } from '../stages/capability.js';
import type { VerifyResult } from '../stages/gate.js';
import type { CapabilityState, MigrationSnapshot } from '../stages/migration-snapshot.js';
import type { MigrationState } from '../state/migration-state.js';
import type { Verifies } from './change-facts.js';
import { readForScrapes } from './scrape-reading.js';

/** What the metrics of the stages need to know. */
export interface StageMetricSources {
  readonly state: Pick<MigrationState, 'latest'>;
  readonly verifies: Verifies;
  readonly clock: Clock;
}

type CapabilityFigure = (capability: Capability, state: CapabilityState) => number;

const OF_CAPABILITIES: readonly (readonly [name: string, help: string, value: CapabilityFigure])[] = [
  [
    'facade_stage',
    'Stage: 0 is off, 1 dualwrite or shadow, 2 live, 3 complete',
    (capability, { stage }) => stagesOf(capability).indexOf(stage),
  ],
  [
    'facade_stage_percent',
    'Keys at the stage, in per cent; the others are at the stage before',
    (_, { percent }) => percent,
  ],
  ['facade_stage_version', 'Counts the changes of a capability', (_, { version }) => version],
  [
    'facade_rolled_back',
    '1 while the last change was an automatic rollback',
    (_, { cause }) => Number(cause !== undefined),
  ],
];

const OF_MIGRATION: readonly (readonly [name: string, help: string, isSo: (snapshot: MigrationSnapshot) => boolean])[] =
  [
    [
      'facade_held',
      '1 while the migration is held: no stage changes, and no automatic rollback',
      ({ hold }) => hold !== null,
    ],
    ['facade_change_pending', '1 while a change of writes is in progress', ({ change }) => change !== null],
  ];

/** Exposes where each capability is, as this instance knows it, and what the last verify has found. Unknown figures have no samples. */
export function exposeStages({ state, verifies, clock }: StageMetricSources, registry: Registry): void {
  const registers = [registry];
  for (const [name, help, value] of OF_CAPABILITIES) {
    const gauge: Gauge<'capability'> = new Gauge({
      name,
      help,
      labelNames: ['capability'],
      registers,
      collect: () => {
        const { latest } = state;
        if (latest === undefined) return;
        for (const capability of CAPABILITIES)
          gauge.set({ capability }, value(capability, latest.capabilities[capability]));
      },
    });
  }
  for (const [name, help, isSo] of OF_MIGRATION) {
    const gauge: Gauge = new Gauge({
      name,
      help,
      registers,
      collect: () => {
        if (state.latest === undefined) gauge.remove();
        else gauge.set(Number(isSo(state.latest)));
      },
    });
  }
  exposeLastVerify(
    readForScrapes(async () => verifies.last(), clock),
    registers,
  );
}

function exposeLastVerify(lastVerify: () => Promise<VerifyResult | null | undefined>, registers: Registry[]): void {
  const gauge: Gauge = new Gauge({
    name: 'facade_verify_differences',
    help: 'Differences that the last verify has found; no sample before the first',
    registers,
    collect: async () => {
      const verify = await lastVerify();
      if (verify) gauge.set(verify.differences);
      else gauge.remove();
    },
  });
}
