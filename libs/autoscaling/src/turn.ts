import type { AutoscaleLimits } from './autoscale-limits.js';
import type { AutoscaleState, Step } from './autoscale-state.js';
import { carriedBy } from './capacity.js';
import type { Decision, DecisionFigures, DecisionReason } from './decision.js';
import { TEXTS } from './decision-texts.js';
import { peakArrival } from './follow-load.js';
import type { StepEnd } from './follow-step.js';
import type { LoadObservation } from './load-observation.js';
import { waitSeconds, type Sizing } from './sizing.js';

/** A mean of arrivals below this, per second, is that of none. */
const NO_LOAD = 0.01;

/** What the policy decided, and what it remembers. */
export interface Outcome {
  /** `null`: nothing was observed yet. */
  readonly state: AutoscaleState | null;
  readonly decision: Decision;
}

/** One observation, with all that the rules need. */
export interface Turn {
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
export function keep(turn: Turn, reason: DecisionReason, text: string): Outcome {
  return { state: turn.state, decision: decisionOf(turn, reason, text) };
}

/** Returns a decision that changes nothing, with the figures of this turn. */
export function decisionOf(turn: Turn, reason: DecisionReason, text: string): Decision {
  const { wanted } = turn.state;
  return { kind: 'keep', reason, from: wanted, to: wanted, text, figures: figuresOf(turn), verdict: null };
}

function figuresOf({ state, observation, sizing }: Turn): DecisionFigures {
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
export function unknownDecision(state: AutoscaleState | null): Decision {
  const wanted = state?.wanted ?? 0;
  const unknown = { lagRecords: null, arrivalPerSecond: null, savedPerSecond: null, waitSeconds: null };
  const known = { ratePerConsumer: state?.ratePerConsumer ?? null, pauseSeconds: state?.pauseSeconds ?? 0 };
  const figures = { ...unknown, ...known };
  return { kind: 'keep', reason: 'unknown', from: wanted, to: wanted, text: TEXTS.unknown(), figures, verdict: null };
}

/** @returns `null` when it is not known what one consumer saves */
export function sizingOf(state: AutoscaleState, observation: LoadObservation, limits: AutoscaleLimits): Sizing | null {
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
