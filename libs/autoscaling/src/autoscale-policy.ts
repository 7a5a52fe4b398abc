import { patienceMs, type AutoscaleLimits, carriedBy } from './capacity.js';
import type { AutoscaleState, Step, ConsumerCount, LoadObservation } from './autoscale-state.js';
import { type Decision, type DecisionReason, TEXTS, type DecisionFigures } from './decision.js';
import { followLoad, isStalled, peakArrival, stateBefore, followStep, type StepEnd } from './follow-load.js';
import {
  followBound,
  learnedBound,
  withShortage,
  enoughConsumers,
  isGoalAtRisk,
  isWorthItsPause,
  sparingConsumers,
  waitSeconds,
  type Sizing,
} from './sizing.js';

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
  next(stored: AutoscaleState | null, observation: LoadObservation | ConsumerCount | null): PolicyResult {
    if (observation === null || observation.consumers === 0)
      return { state: stored, decision: unknownDecision(stored) };
    if (!('lagRecords' in observation)) return this.withoutLoad(stored, observation);
    const input = this.inputOf(stored, observation);
    return (
      this.keepHeld(input) ??
      this.returnToLimits(input) ??
      this.judge(input) ??
      keepWhileMeasuring(input) ??
      keepWhileNothingIsSaved(input) ??
      this.scaleUp(input) ??
      this.scaleDown(input)
    );
  }

  /** Follows a person, and corrects a number outside the limits: neither needs to know the load. */
  private withoutLoad(stored: AutoscaleState | null, count: ConsumerCount): PolicyResult {
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

  private inputOf(stored: AutoscaleState | null, observation: LoadObservation): PolicyInput {
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

  private keepHeld(input: PolicyInput): PolicyResult | undefined {
    const { heldUntil, at, wanted } = input.state;
    if (heldUntil === null || !this.options.isApplied) return undefined;
    if (at < heldUntil) return keep(input, 'held-by-hand', TEXTS.held(wanted, (heldUntil - at) / 1_000));
    return keep({ ...input, state: { ...input.state, heldUntil: null } }, 'enough', TEXTS.enough(input.state));
  }

  private returnToLimits(input: PolicyInput): PolicyResult | undefined {
    const { limits, state, observation } = input;
    const to = within(limits, observation.partitions, state.wanted);
    return to === state.wanted ? undefined : this.step(input, 'limits', to, TEXTS.limits(to, limits));
  }

  /** Takes a step up back that did not help, and remembers it. */
  private judge(input: PolicyInput): PolicyResult | undefined {
    const { end, step, state, limits } = input;
    if (end === null || step === null || step.kind === 'down') return undefined;
    const { verdict } = end;
    const judged = (reason: DecisionReason, text: string, judgedState = state): PolicyResult => {
      const { decision } = keep(input, reason, text);
      return { state: judgedState, decision: { ...decision, verdict } };
    };
    if (step.kind === 'revert') {
      // Saves became slower when the step was made, for another reason: it had helped.
      const hadHelped = verdict?.outcome === 'slower';
      return hadHelped ? judged('reconsidered', TEXTS.reconsidered(verdict), { ...state, bound: null }) : undefined;
    }
    // While nothing is saved, the step has nothing to do with it.
    if (verdict === null || !end.isJudged || isStalled(state, input.observation))
      return judged('not-judged', TEXTS.notJudged(state.wanted));
    if (verdict.outcome === 'faster') return judged('helped', TEXTS.helped(verdict));
    const to = Math.max(limits.minConsumers, step.from);
    if (to >= state.wanted) return judged('limits', TEXTS.minimum(to, verdict));
    const learned = { ...state, bound: learnedBound(state, step, verdict) };
    return this.step({ ...input, state: learned }, 'no-gain', to, TEXTS.revert(to, verdict));
  }

  private scaleUp(input: PolicyInput): PolicyResult | undefined {
    const { state, sizing, limits, observation } = input;
    if (sizing === null || !isGoalAtRisk(sizing)) return undefined;
    const highest = Math.min(limits.maxConsumers, observation.partitions);
    const { wanted } = state;
    const bound = state.bound?.isOver === false ? state.bound : null;
    const to = enoughConsumers(sizing, Math.min(highest, bound?.count ?? highest));
    if (to > wanted) {
      const text = TEXTS.up(state, to, waitSeconds(sizing), limits.drainSeconds);
      return this.step({ ...input, state: withShortage(state, sizing) }, 'goal-at-risk', to, text);
    }
    const unspared = { ...input, state: { ...state, spareSince: null } };
    if (bound !== null && wanted >= bound.count) return keep(unspared, 'bound', TEXTS.bound(bound));
    return keep(unspared, 'at-maximum', TEXTS.atMaximum(wanted));
  }

  private scaleDown(input: PolicyInput): PolicyResult {
    const { state, sizing, limits } = input;
    const to = sizing === null ? null : sparingConsumers(sizing);
    if (sizing === null || to === null)
      return keep({ ...input, state: { ...state, spareSince: null } }, 'enough', TEXTS.enough(state));
    const spareSince = state.spareSince ?? state.at;
    const spared = { ...input, state: { ...state, spareSince } };
    if (!isWorthItsPause(state, to)) return keep(spared, 'not-worth-a-pause', TEXTS.notWorth(to, state.pauseSeconds));
    const patience = patienceMs(limits);
    const waitMs = Math.max(spareSince + SPARE_FOR * patience, state.changedAt + DOWN_AFTER * patience) - state.at;
    if (waitMs > 0) return keep(spared, 'scaling-down-slowly', TEXTS.slowly(to, waitMs / 1_000));
    const capacity = sizing.rate * carriedBy(to, input.observation.partitions);
    return this.step(input, 'spare-capacity', to, TEXTS.down(to, peakArrival(state, patience), capacity));
  }

  private step(input: PolicyInput, reason: DecisionReason, to: number, text: string): PolicyResult {
    const { state } = input;
    const kind = reason === 'no-gain' ? 'revert' : to > state.wanted ? 'up' : 'down';
    const verdict = input.end?.verdict ?? null;
    const decision: Decision = { ...decisionOf(input, reason, text), kind, to, verdict };
    return { state: this.options.isApplied ? withStep(state, to, kind) : state, decision };
  }
}

/** Ends a hold: the policy decides again with the next observation. */
export function resumed(state: AutoscaleState): AutoscaleState {
  return { ...state, heldUntil: null };
}

function keepWhileMeasuring(input: PolicyInput): PolicyResult | undefined {
  const { step } = input.state;
  return step === null ? undefined : keep(input, 'measuring', TEXTS.measuring(step));
}

function keepWhileNothingIsSaved(input: PolicyInput): PolicyResult | undefined {
  const { state, observation, sizing } = input;
  const unspared = { ...input, state: { ...state, spareSince: null } };
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

/** A mean of arrivals below this, per second, is that of none. */
const NO_LOAD = 0.01;

/** What the policy decided, and what it remembers. */
interface PolicyResult {
  /** `null`: nothing was observed yet. */
  readonly state: AutoscaleState | null;
  readonly decision: Decision;
}

/** One observation, with all that the rules need. */
interface PolicyInput {
  readonly state: AutoscaleState;
  readonly observation: LoadObservation;
  readonly limits: AutoscaleLimits;
  /** `null`: what one consumer saves is not known. */
  readonly sizing: Sizing | null;
  /** How a step ended with this observation; `null`: none did. */
  readonly end: StepEnd;
  /** The step that ended, or is being made; `null`: there is none. */
  readonly step: Step | null;
}

/** Decides to change nothing. */
function keep(input: PolicyInput, reason: DecisionReason, text: string): PolicyResult {
  return { state: input.state, decision: decisionOf(input, reason, text) };
}

/** Returns a decision that changes nothing, with the figures of this input. */
function decisionOf(input: PolicyInput, reason: DecisionReason, text: string): Decision {
  const { wanted } = input.state;
  return { kind: 'keep', reason, from: wanted, to: wanted, text, figures: figuresOf(input), verdict: null };
}

function figuresOf({ state, observation, sizing }: PolicyInput): DecisionFigures {
  const wait = sizing === null ? null : waitSeconds(sizing);
  return {
    lagRecords: observation.lagRecords,
    arrivalPerSecond: state.arrivalPerSecond,
    savedPerSecond: state.savedPerSecond,
    ratePerConsumer: state.ratePerConsumer,
    waitSeconds: wait !== null && Number.isFinite(wait) ? wait : null,
    pauseSeconds: state.pauseSeconds,
  };
}

/** Returns the decision while figures are missing. */
function unknownDecision(state: AutoscaleState | null): Decision {
  const wanted = state?.wanted ?? 0;
  const unknown = { lagRecords: null, arrivalPerSecond: null, savedPerSecond: null, waitSeconds: null };
  const known = { ratePerConsumer: state?.ratePerConsumer ?? null, pauseSeconds: state?.pauseSeconds ?? 0 };
  const figures = { ...unknown, ...known };
  return { kind: 'keep', reason: 'unknown', from: wanted, to: wanted, text: TEXTS.unknown(), figures, verdict: null };
}

/** @returns `null` when it is not known what one consumer saves */
function sizingOf(state: AutoscaleState, observation: LoadObservation, limits: AutoscaleLimits): Sizing | null {
  const rate = state.ratePerConsumer ?? estimatedRate(state, observation);
  return rate === null || rate <= 0 ? null : { state, observation, limits, rate };
}

/** Until the rate is measured, that of the orders in flight is an estimate: it holds while nothing but the in-flight limit bounds the rate. */
function estimatedRate(state: AutoscaleState, observation: LoadObservation): number | null {
  const { used, savedPerSecond, consumers, partitions, hasWork, lagRecords } = observation;
  // Any rate carries no load.
  if (lagRecords === 0 && peakArrival(state, Number.POSITIVE_INFINITY) < NO_LOAD) return 1;
  if (hasWork || used <= 0 || savedPerSecond <= 0) return null;
  return savedPerSecond / (used * carriedBy(consumers, partitions));
}
