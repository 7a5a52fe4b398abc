import type { MigrationSettings } from '../settings-schema.js';
import type { SideName } from '../sides/side.js';
import {
  type Capability,
  type Stage,
  CAPABILITIES,
  targetAnswers,
  stagesOf,
  type MigrationSnapshot,
} from './stages.js';

/** What was observed of a capability since its last change. */
export interface Figures {
  /** Compared answers. */
  readonly samples: number;
  /** Differences that remained after the re-check. */
  readonly mismatches: number;
  /** Requests to each side, and how many of them failed. */
  readonly requests: Readonly<Record<SideName, number>>;
  readonly failures: Readonly<Record<SideName, number>>;
  /** `null` without a request. */
  readonly p50Ms: Readonly<Record<SideName, number | null>>;
  readonly p99Ms: Readonly<Record<SideName, number | null>>;
}

/** The figures of a capability without a request. */
export const NO_FIGURES: Figures = {
  samples: 0,
  mismatches: 0,
  requests: { legacy: 0, new: 0 },
  failures: { legacy: 0, new: 0 },
  p50Ms: { legacy: null, new: null },
  p99Ms: { legacy: null, new: null },
};

/** Returns the share of failed requests of a side, 0 to 1; 0 without a request. */
export function errorRateOf({ requests, failures }: Figures, side: SideName): number {
  return requests[side] === 0 ? 0 : failures[side] / requests[side];
}

/** A condition of the gate, as it was when the gate was evaluated. */
export interface GateCondition {
  /** Stable: `samples`, `mismatches`, `error-rate`, `p99`, `oldest-intent`, `verify`, `open-intents`. */
  readonly condition: string;
  /** What it requires. */
  readonly wanted: string;
  readonly found: string;
  /** Whether it is met. */
  readonly holds: boolean;
}

/** The limits of the gate. */
export type GateLimits = Pick<
  MigrationSettings,
  | 'GATE_MIN_SAMPLES'
  | 'GATE_MAX_MISMATCHES'
  | 'GATE_MAX_ERROR_RATE'
  | 'GATE_P99_FACTOR'
  | 'GATE_P99_FLOOR_MS'
  | 'INTENT_MAX_AGE_MS'
>;

/** The result of the last verify of both sides. */
export interface VerifyResult {
  readonly startedAt: Date;
  readonly differences: number;
}

export interface GateFacts {
  readonly figures: Figures;
  readonly intents: { readonly count: number; readonly oldestMs: number };
  /** `null` if none has ended. */
  readonly lastVerify: VerifyResult | null;
  /** An earlier verify does not count: since then the target gets the orders of more accounts. */
  readonly copyingSince: Date | null;
}

/** Returns whether a move needs the gate: every step forward within or to `live` and `complete`. */
export function needsGate(stage: Stage): boolean {
  return targetAnswers(stage);
}

/** Evaluates all conditions for a step forward to a stage. */
export function evaluateGate(
  capability: Capability,
  stage: Stage,
  limits: GateLimits,
  facts: GateFacts,
): readonly GateCondition[] {
  const { figures, intents } = facts;
  const errorRate = errorRateOf(figures, 'new');
  const conditions: GateCondition[] = [
    {
      condition: 'samples',
      wanted: `at least ${limits.GATE_MIN_SAMPLES} since the last change`,
      found: String(figures.samples),
      holds: figures.samples >= limits.GATE_MIN_SAMPLES,
    },
    {
      condition: 'mismatches',
      wanted: `at most ${limits.GATE_MAX_MISMATCHES}`,
      found: String(figures.mismatches),
      holds: figures.mismatches <= limits.GATE_MAX_MISMATCHES,
    },
    {
      condition: 'error-rate',
      wanted: `at most ${percentage(limits.GATE_MAX_ERROR_RATE)} of the requests to the target`,
      found: percentage(errorRate),
      holds: errorRate <= limits.GATE_MAX_ERROR_RATE,
    },
    p99Condition(limits, figures),
    {
      condition: 'oldest-intent',
      wanted: `no open intent older than ${limits.INTENT_MAX_AGE_MS} ms`,
      found: intents.count === 0 ? 'none is open' : `${intents.oldestMs} ms`,
      holds: intents.count === 0 || intents.oldestMs <= limits.INTENT_MAX_AGE_MS,
    },
    verifyCondition(facts),
  ];
  if (capability === 'writes' && stage === 'complete')
    conditions.push({
      condition: 'open-intents',
      wanted: 'none from before the request',
      found: String(intents.count),
      holds: intents.count === 0,
    });
  return conditions;
}

/** Returns the conditions that no `force` overrides: the last step of writes can not be taken back. */
export function unforcedConditions(
  capability: Capability,
  stage: Stage,
  gate: readonly GateCondition[],
): readonly GateCondition[] {
  if (capability !== 'writes' || stage !== 'complete') return [];
  return gate.filter(({ condition }) => condition === 'verify' || condition === 'open-intents');
}

function p99Condition(limits: GateLimits, { p99Ms }: Figures): GateCondition {
  const largest = Math.max(limits.GATE_P99_FACTOR * (p99Ms.legacy ?? 0), limits.GATE_P99_FLOOR_MS);
  return {
    condition: 'p99',
    wanted: `at most ${Math.round(largest)} ms on the target`,
    found: p99Ms.new === null ? 'no request' : `${Math.round(p99Ms.new)} ms`,
    holds: p99Ms.new === null || p99Ms.new <= largest,
  };
}

function verifyCondition({ lastVerify, copyingSince }: GateFacts): GateCondition {
  const isCurrent = lastVerify !== null && (copyingSince === null || lastVerify.startedAt >= copyingSince);
  return {
    condition: 'verify',
    wanted:
      'the last verify with 0 differences, begun after the last change that sent the orders of more accounts to the target',
    found:
      lastVerify === null
        ? 'no verify'
        : `${lastVerify.differences} differences, begun at ${lastVerify.startedAt.toISOString()}`,
    holds: isCurrent && lastVerify.differences === 0,
  };
}

function percentage(rate: number): string {
  return `${Number((rate * 100).toFixed(3))} %`;
}

/** When a capability is rolled back automatically. */
type RollbackLimits = Pick<
  MigrationSettings,
  'ROLLBACK_MAX_ERROR_RATE' | 'ROLLBACK_MIN_REQUESTS' | 'ROLLBACK_MAX_MISMATCHES'
>;

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
 * Decides which capabilities go one stage back. Only where the target answers: in `dualwrite` and `shadow` its failures reach no
 * client. Failures of the legacy system are its own, and never a reason to go back to it. Pure; it never moves anything forward.
 */
export function decideRollbacks(
  { capabilities }: MigrationSnapshot,
  observed: Readonly<Record<Capability, Observed>>,
  limits: RollbackLimits,
  isLegacyUnavailable: boolean,
): readonly RollbackDecision[] {
  return CAPABILITIES.flatMap((capability): RollbackDecision[] => {
    const { stage } = capabilities[capability];
    const cause = targetAnswers(stage) ? causeOf(observed[capability], limits) : undefined;
    if (cause === undefined) return [];
    if (capabilities.writes.stage === 'complete')
      return [{ capability, decision: 'alert', cause: `${cause}; writes are complete, so nothing can go back` }];
    if (isLegacyUnavailable)
      return [
        { capability, decision: 'alert', cause: `${cause}; not rolled back, because the legacy system is unavailable` },
      ];
    const stages = stagesOf(capability);
    return [{ capability, decision: 'roll-back', stage: stages[stages.indexOf(stage) - 1] ?? 'off', cause }];
  });
}

function causeOf({ sinceChange, lately }: Observed, limits: RollbackLimits): string | undefined {
  const errorRate = errorRateOf(lately, 'new');
  if (lately.requests.new >= limits.ROLLBACK_MIN_REQUESTS && errorRate > limits.ROLLBACK_MAX_ERROR_RATE)
    return `error rate of the target: ${lately.failures.new} of ${lately.requests.new} requests failed`;
  if (sinceChange.mismatches > limits.ROLLBACK_MAX_MISMATCHES)
    return `mismatches: ${sinceChange.mismatches} since the last change`;
  return undefined;
}
