import { patienceMs, type AutoscaleLimits } from './autoscale-limits.js';
import type { AutoscaleState, Step } from './autoscale-state.js';
import { carriedBy } from './capacity.js';
import type { Decision, DecisionReason } from './decision.js';
import { TEXTS } from './decision-texts.js';
import { followLoad, isStalled, peakArrival, stateBefore } from './follow-load.js';
import { followStep } from './follow-step.js';
import { followBound, learnedBound, withShortage } from './learned-bound.js';
import type { ConsumerCount, LoadObservation } from './load-observation.js';
import { enoughConsumers, isGoalAtRisk, isWorthItsPause, sparingConsumers, waitSeconds } from './sizing.js';
import { decisionOf, keep, sizingOf, unknownDecision, type Outcome, type Turn } from './turn.js';

/** How the number of consumers is set. */
export interface PolicyOptions {
  readonly limits: AutoscaleLimits;
  /** `false`: the policy only reports what it would do, and learns from the steps of others. */
  readonly isApplied: boolean;
  /**
   * What a number means that the policy has not decided.
   * - `hold`: a person has set it, and it is kept for a while
   * - `adopt`: consumers come and go; what a person sets is reported as such
   * - `ignore`: another scaler follows the policy, and is not there yet
   */
  readonly foreignCounts: 'hold' | 'adopt' | 'ignore';
}

/** How long a number that a person has set is kept. */
export const HOLD_MS = 30 * 60_000;
/** Shares of the patience: for how long fewer consumers have to do before a step down, and how old the last step has to be. */
const SPARE_FOR = 0.2;
const DOWN_AFTER = 0.6;

/**
 * Decides how many consumers there should be, from one observation after another. It has no clock and does no I/O: the same state and observation
 * always give the same outcome. The first rule that applies decides.
 */
export class AutoscalePolicy {
  constructor(private readonly options: PolicyOptions) {}

  /** @param observation `null`: not even the number of consumers is known; nothing changes, as without any consumer */
  next(stored: AutoscaleState | null, observation: LoadObservation | ConsumerCount | null): Outcome {
    if (observation === null || observation.consumers === 0)
      return { state: stored, decision: unknownDecision(stored) };
    if (!('lagRecords' in observation)) return this.withoutLoad(stored, observation);
    const turn = this.turn(stored, observation);
    return (
      this.keepHeld(turn) ??
      this.returnToLimits(turn) ??
      this.judge(turn) ??
      keepWhileMeasuring(turn) ??
      keepWhileNothingIsSaved(turn) ??
      this.scaleUp(turn) ??
      this.scaleDown(turn)
    );
  }

  /** Follows a person, and corrects a number outside the limits: neither needs to know the load. */
  private withoutLoad(stored: AutoscaleState | null, count: ConsumerCount): Outcome {
    const before = stateBefore(stored, { ...count, arrivalPerSecond: 0, savedPerSecond: 0 });
    const state = this.followOthers(before, count);
    const decision = unknownDecision(state);
    const isHeld = state.heldUntil !== null && count.at < state.heldUntil && this.options.isApplied;
    const to = within(this.options.limits, Number.POSITIVE_INFINITY, state.wanted);
    if (isHeld || to === state.wanted) return { state, decision };
    const kind = to > state.wanted ? 'up' : 'down';
    const text = TEXTS.limits(to, this.options.limits);
    return {
      state: this.options.isApplied ? withStep({ ...state, at: count.at }, to, kind) : state,
      decision: { ...decision, kind, reason: 'limits', to, text },
    };
  }

  private turn(stored: AutoscaleState | null, observation: LoadObservation): Turn {
    const { limits } = this.options;
    const followed = this.followOthers(followLoad(stored, observation), observation);
    const elapsedMs = stored === null ? 0 : observation.at - stored.at;
    const { state: stepped, end } = followStep(followed, observation, elapsedMs);
    const state = { ...stepped, bound: followBound(stepped, observation) };
    return { state, observation, limits, sizing: sizingOf(state, observation, limits), end, step: followed.step };
  }

  /** Takes over a number that others have set. A consumer that died changes no number. */
  private followOthers(state: AutoscaleState, { at, consumers, byHand }: ConsumerCount): AutoscaleState {
    const { isApplied, foreignCounts } = this.options;
    const isForeign = state.step === null && consumers !== state.wanted;
    if (!isApplied) return isForeign ? withStep(state, consumers) : state;
    if (byHand !== null) return held(state, byHand, at);
    if (!isForeign || foreignCounts === 'ignore') return state;
    return foreignCounts === 'hold' ? held(state, consumers, at) : { ...state, wanted: consumers };
  }

  private keepHeld(turn: Turn): Outcome | undefined {
    const { heldUntil, at, wanted } = turn.state;
    if (heldUntil === null || !this.options.isApplied) return undefined;
    if (at < heldUntil) return keep(turn, 'held-by-hand', TEXTS.held(wanted, (heldUntil - at) / 1_000));
    return keep({ ...turn, state: { ...turn.state, heldUntil: null } }, 'enough', TEXTS.enough(turn.state));
  }

  private returnToLimits(turn: Turn): Outcome | undefined {
    const { limits, state, observation } = turn;
    const to = within(limits, observation.partitions, state.wanted);
    return to === state.wanted ? undefined : this.step(turn, 'limits', to, TEXTS.limits(to, limits));
  }

  /** Takes a step up back that did not help, and remembers it. */
  private judge(turn: Turn): Outcome | undefined {
    const { end, step, state, limits } = turn;
    if (end === null || step === null || step.kind === 'down') return undefined;
    const { verdict } = end;
    const judged = (reason: DecisionReason, text: string, judgedState = state): Outcome => {
      const { decision } = keep(turn, reason, text);
      return { state: judgedState, decision: { ...decision, verdict } };
    };
    if (step.kind === 'revert') {
      // Saves became slower when the step was made, for another reason: it had helped.
      const hadHelped = verdict?.outcome === 'slower';
      return hadHelped ? judged('reconsidered', TEXTS.reconsidered(verdict), { ...state, bound: null }) : undefined;
    }
    // While nothing is saved, the step has nothing to do with it.
    if (verdict === null || !end.isJudged || isStalled(state, turn.observation))
      return judged('not-judged', TEXTS.notJudged(state.wanted));
    if (verdict.outcome === 'faster') return judged('helped', TEXTS.helped(verdict));
    const to = Math.max(limits.minConsumers, step.from);
    if (to >= state.wanted) return judged('limits', TEXTS.minimum(to, verdict));
    const learned = { ...state, bound: learnedBound(state, step, verdict) };
    return this.step({ ...turn, state: learned }, 'no-gain', to, TEXTS.revert(to, verdict));
  }

  private scaleUp(turn: Turn): Outcome | undefined {
    const { state, sizing, limits, observation } = turn;
    if (sizing === null || !isGoalAtRisk(sizing)) return undefined;
    const highest = Math.min(limits.maxConsumers, observation.partitions);
    const { wanted } = state;
    const bound = state.bound?.isOver === false ? state.bound : null;
    const to = enoughConsumers(sizing, Math.min(highest, bound?.count ?? highest));
    if (to > wanted) {
      const text = TEXTS.up(state, to, waitSeconds(sizing), limits.drainSeconds);
      return this.step({ ...turn, state: withShortage(state, sizing) }, 'goal-at-risk', to, text);
    }
    const unspared = { ...turn, state: { ...state, spareSince: null } };
    if (bound !== null && wanted >= bound.count) return keep(unspared, 'bound', TEXTS.bound(bound));
    return keep(unspared, 'at-maximum', TEXTS.atMaximum(wanted));
  }

  private scaleDown(turn: Turn): Outcome {
    const { state, sizing, limits } = turn;
    const to = sizing === null ? null : sparingConsumers(sizing);
    if (sizing === null || to === null)
      return keep({ ...turn, state: { ...state, spareSince: null } }, 'enough', TEXTS.enough(state));
    const spareSince = state.spareSince ?? state.at;
    const spared = { ...turn, state: { ...state, spareSince } };
    if (!isWorthItsPause(state, to)) return keep(spared, 'not-worth-a-pause', TEXTS.notWorth(to, state.pauseSeconds));
    const patience = patienceMs(limits);
    const waitMs = Math.max(spareSince + SPARE_FOR * patience, state.changedAt + DOWN_AFTER * patience) - state.at;
    if (waitMs > 0) return keep(spared, 'scaling-down-slowly', TEXTS.slowly(to, waitMs / 1_000));
    const capacity = sizing.rate * carriedBy(to, turn.observation.partitions);
    return this.step(turn, 'spare-capacity', to, TEXTS.down(to, peakArrival(state, patience), capacity));
  }

  private step(turn: Turn, reason: DecisionReason, to: number, text: string): Outcome {
    const { state } = turn;
    const kind = reason === 'no-gain' ? 'revert' : to > state.wanted ? 'up' : 'down';
    const verdict = turn.end?.verdict ?? null;
    const decision: Decision = { ...decisionOf(turn, reason, text), kind, to, verdict };
    return { state: this.options.isApplied ? withStep(state, to, kind) : state, decision };
  }
}

/** Ends a hold: the policy decides again with the next observation. */
export function resumed(state: AutoscaleState): AutoscaleState {
  return { ...state, heldUntil: null };
}

function keepWhileMeasuring(turn: Turn): Outcome | undefined {
  const { step } = turn.state;
  return step === null ? undefined : keep(turn, 'measuring', TEXTS.measuring(step));
}

function keepWhileNothingIsSaved(turn: Turn): Outcome | undefined {
  const { state, observation, sizing } = turn;
  const unspared = { ...turn, state: { ...state, spareSince: null } };
  if (observation.isSuspended) return keep(unspared, 'suspended', TEXTS.suspended());
  if (isStalled(state, observation)) return keep(unspared, 'stalled', TEXTS.stalled());
  return sizing === null && observation.hasWork ? keep(unspared, 'measuring', TEXTS.learning()) : undefined;
}

function within({ minConsumers, maxConsumers }: AutoscaleLimits, partitions: number, count: number): number {
  return Math.max(minConsumers, Math.min(maxConsumers, partitions, count));
}

function held(state: AutoscaleState, wanted: number, at: number): AutoscaleState {
  return { ...state, wanted, step: null, changedAt: at, spareSince: null, heldUntil: at + HOLD_MS };
}

function withStep(
  state: AutoscaleState,
  to: number,
  kind: Step['kind'] = to > state.wanted ? 'up' : 'down',
): AutoscaleState {
  const { at, wanted: from, workSince, savedPerSecond } = state;
  const savedBefore = workSince === null || savedPerSecond <= 0 ? null : savedPerSecond;
  const step = { kind, from, to, at, isApplied: false, savedBefore, lostSeconds: 0 };
  return { ...state, wanted: to, step, changedAt: at, spareSince: null };
}
