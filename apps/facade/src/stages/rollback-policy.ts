import { CAPABILITIES, stagesOf, type Capability, type Stage } from './capability.js';
import { errorRateOf, type Figures } from './figures.js';
import type { MigrationSnapshot } from './migration-snapshot.js';

/** When a capability goes back by itself; all of them are settings. */
export interface RollbackLimits {
  /** Largest error rate of the new side in the observed window, 0 to 1. */
  readonly maxErrorRate: number;
  /** Fewer requests than this in the window prove nothing. */
  readonly minRequests: number;
  /** Largest number of mismatches since the last change. */
  readonly maxMismatches: number;
}

/** What was observed of a capability: since its last change, and in the last seconds. */
export interface Observed {
  readonly sinceChange: Figures;
  readonly lately: Figures;
}

export type RollbackDecision =
  | { readonly capability: Capability; readonly decision: 'roll-back'; readonly stage: Stage; readonly cause: string }
  /** The limit is passed, but going back would be worse. */
  | { readonly capability: Capability; readonly decision: 'alert'; readonly cause: string };

/**
 * Decides which capabilities go one stage back. Only where the new side answers: in `dualwrite` and `shadow` its failures reach no
 * client. Failures of the legacy system are its own, and never a reason to go back to it. Pure; it never moves anything forward.
 */
export function decideRollbacks(
  { capabilities }: MigrationSnapshot,
  observed: Readonly<Record<Capability, Observed>>,
  limits: RollbackLimits,
  isLegacyAway: boolean,
): readonly RollbackDecision[] {
  return CAPABILITIES.flatMap((capability): RollbackDecision[] => {
    const { stage } = capabilities[capability];
    const cause = newSideAnswers(stage) ? causeOf(observed[capability], limits) : undefined;
    if (cause === undefined) return [];
    if (capabilities.writes.stage === 'complete')
      return [{ capability, decision: 'alert', cause: `${cause}; writes are complete, so nothing can go back` }];
    if (isLegacyAway)
      return [{ capability, decision: 'alert', cause: `${cause}; not rolled back, because the legacy system is away` }];
    const stages = stagesOf(capability);
    return [{ capability, decision: 'roll-back', stage: stages[stages.indexOf(stage) - 1] ?? 'off', cause }];
  });
}

function newSideAnswers(stage: Stage): boolean {
  return stage === 'live' || stage === 'complete';
}

function causeOf({ sinceChange, lately }: Observed, limits: RollbackLimits): string | undefined {
  const errorRate = errorRateOf(lately, 'new');
  if (lately.requests.new >= limits.minRequests && errorRate > limits.maxErrorRate)
    return `error rate of the new side: ${lately.failures.new} of ${lately.requests.new} requests failed`;
  if (sinceChange.mismatches > limits.maxMismatches)
    return `mismatches: ${sinceChange.mismatches} since the last change`;
  return undefined;
}
