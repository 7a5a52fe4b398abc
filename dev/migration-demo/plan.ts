import type {
  Capability,
  ReadCapability,
  ReadStage,
  WriteStage,
} from '../../apps/facade/src/stages/migration-snapshot.js';
import type { Step } from '../migration-journey/position.js';
import type { TranslationBug } from './bugs/translation-bugs.js';

/** A stage of a capability, for a share of its keys. */
export type Target = Step;

/** One step of the demo. */
export type PlannedStep =
  /** Clients send requests for this long, and nothing else happens. */
  | { readonly do: 'traffic'; readonly seconds: number }
  /** Waits until the gate of each target holds, and moves it. Never forced. */
  | { readonly do: 'promote'; readonly targets: readonly Target[] }
  | { readonly do: 'backfill' }
  /** Compares all orders; both sides must be equal. */
  | { readonly do: 'verify' }
  /** Starts the facades again, one after the other, with a bug or without. */
  | { readonly do: 'deploy'; readonly bug?: string }
  /** Waits until a mismatch in this field is reported, and shows that the gate is closed. */
  | { readonly do: 'catch'; readonly bug: string; readonly field: string }
  /** Takes capabilities back to `off`. */
  | { readonly do: 'switch-off'; readonly capabilities: readonly Capability[] }
  /** Removes the orders that a verification finds to differ from the new side, so that a backfill copies them again. */
  | { readonly do: 'remove-wrong-orders' }
  /** Kills a process. */
  | { readonly do: 'kill'; readonly what: 'facade' | 'legacy' | 'consumer' }
  /** Stops the legacy system until writes are open, takes writes back, kills it, and counts what is missing there. */
  | { readonly do: 'roll-back-with-open-writes' }
  /** Ends the traffic, and waits until no write is open. */
  | { readonly do: 'stop-traffic' };

export const READS: readonly ReadCapability[] = ['read-by-id', 'read-by-page', 'read-by-range'];

const writes = (stage: WriteStage, percent = 100): PlannedStep => ({
  do: 'promote',
  targets: [{ capability: 'writes', stage, percent }],
});
const reads = (stage: ReadStage): PlannedStep => ({
  do: 'promote',
  targets: READS.map((capability) => ({ capability, stage, percent: 100 })),
});

/** Returns the way from `off` to `complete`. A bug that has stored wrong orders needs more to be repaired. */
export function planSteps({ name, field, affects }: TranslationBug): readonly PlannedStep[] {
  return [
    { do: 'traffic', seconds: 3 },
    writes('dualwrite'),
    { do: 'backfill' },
    { do: 'verify' },
    { do: 'deploy', bug: name },
    reads('shadow'),
    { do: 'catch', bug: name, field },
    ...repair(affects),
    reads('shadow'),
    { do: 'kill', what: 'legacy' },
    reads('live'),
    writes('live', 50),
    { do: 'roll-back-with-open-writes' },
    writes('live', 50),
    { do: 'kill', what: 'facade' },
    writes('live'),
    { do: 'kill', what: 'consumer' },
    reads('complete'),
    { do: 'verify' },
    writes('complete'),
    { do: 'traffic', seconds: 3 },
    { do: 'stop-traffic' },
  ];
}

/**
 * No more orders may be written wrongly, so writes go back to the legacy system before anything else. Their comparisons have met a bug of
 * reads too, and the gate counts anew only after a change of the stage.
 */
function repair(affects: TranslationBug['affects']): readonly PlannedStep[] {
  return [
    { do: 'switch-off', capabilities: [...READS, 'writes'] },
    { do: 'deploy' },
    writes('dualwrite'),
    ...(affects === 'writes' ? ([{ do: 'remove-wrong-orders' }] as const) : []),
    { do: 'backfill' },
    { do: 'verify' },
  ];
}

/** Returns a step's name, for people. */
export function titleOf(step: PlannedStep): string {
  switch (step.do) {
    case 'traffic':
      return `traffic for ${step.seconds} s`;
    case 'promote':
      return step.targets.map(nameOf).join(', ');
    case 'backfill':
      return 'backfill';
    case 'verify':
      return 'verify';
    case 'deploy':
      return step.bug === undefined
        ? 'deploy the facades without the bug'
        : `deploy the facades with the bug ${step.bug}`;
    case 'catch':
      return `shadow must catch ${step.bug}`;
    case 'switch-off':
      return `back to off: ${step.capabilities.join(', ')}`;
    case 'remove-wrong-orders':
      return 'remove the wrong orders from the new side';
    case 'kill':
      return `kill ${KILLED[step.what]}`;
    case 'roll-back-with-open-writes':
      return 'roll writes back to dualwrite while writes are open';
    case 'stop-traffic':
      return 'stop the traffic';
  }
}

const KILLED = {
  facade: 'an instance of the facade',
  legacy: 'the legacy system',
  consumer: 'a consumer',
} as const;

export function nameOf({ capability, stage, percent }: Target): string {
  return `${capability} to ${stage}${percent === 100 ? '' : ` at ${percent} %`}`;
}
