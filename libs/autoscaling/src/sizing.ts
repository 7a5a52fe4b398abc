import { patienceMs, type AutoscaleLimits, carriedBy, usefulCounts } from './capacity.js';
import type { AutoscaleState, LoadObservation, LearnedBound, Step, StepVerdict } from './autoscale-state.js';
import { peakArrival } from './follow-load.js';

/** From a decision until new consumers have started. */
const REACTION_SECONDS = 12;
/** Share of the goal that a growing wait may reach before a step up. */
const TRIGGER_SHARE = 0.5;
/** Share of the goal that a step up aims at, with the lag of the time when it is done. */
const AIM_SHARE = 0.7;
/** A step up works off the lag within so many times the goal, beside what arrives. */
const RECOVERY_GOALS = 5;
/** What the consumers carry more than what arrives, after a step up and after a step down. The difference keeps them from alternating. */
const HEADROOM_UP = 1.03;
const HEADROOM_DOWN = 1.05;
/** Share of the goal that the wait may have when consumers are taken away. */
const SPARE_SHARE = 0.2;
/** A number that was not enough for an arrival is tried again below this share of it. */
const SHORTAGE_SHARE = 0.9;
/** A step down must save more than its rebalance costs, and the way back, if it lasts this long. */
const EXPECTED_STAY_SECONDS = 900;

/** What the sizes follow from. */
export interface Sizing {
  readonly state: AutoscaleState;
  readonly observation: LoadObservation;
  readonly limits: AutoscaleLimits;
  /** What one consumer saves per second. */
  readonly rate: number;
}

/** Returns how long an order that arrives now would wait with the consumers of now, in seconds. */
export function waitSeconds({ state, observation, rate }: Sizing): number {
  return observation.lagRecords / capacityOf(state.wanted, { observation, rate });
}

/** Returns whether orders will wait longer than the goal, unless a step up is made now. */
export function isGoalAtRisk(sizing: Sizing): boolean {
  const { state, observation, limits } = sizing;
  const { arrivalPerSecond: arrival, pauseSeconds } = state;
  const capacity = capacityOf(state.wanted, sizing);
  if (arrival > capacity) return lagAfterStep(sizing) / capacity > TRIGGER_SHARE * limits.drainSeconds;
  // The wait becomes shorter by itself. A step is worth its pause if orders would be late for longer than it takes.
  const lateRecords = observation.lagRecords - limits.drainSeconds * capacity;
  return lateRecords > (capacity - arrival) * (REACTION_SECONDS + 2 * pauseSeconds);
}

/**
 * Returns the smallest number that keeps the wait within the goal, carries what arrives, and works off the lag.
 * @returns the highest number allowed when none is enough
 * @param ceiling the highest number allowed
 */
export function enoughConsumers(sizing: Sizing, ceiling: number): number {
  const { observation, limits, state } = sizing;
  const lag = lagAfterStep(sizing);
  const aim = AIM_SHARE * limits.drainSeconds;
  const lasting = HEADROOM_UP * state.arrivalPerSecond + lag / (RECOVERY_GOALS * limits.drainSeconds);
  const counts = usefulCounts(limits.minConsumers, ceiling, observation.partitions);
  const isEnough = (count: number): boolean => capacityOf(count, sizing) >= Math.max(lag / aim, lasting);
  return Math.max(state.wanted, counts.find((count) => isEnough(count)) ?? counts.at(-1) ?? ceiling);
}

/** Returns a smaller number that carries the highest load of the last minutes; `null`: none does. */
export function sparingConsumers(sizing: Sizing): number | null {
  const { state, observation, limits } = sizing;
  const { wanted, shortage } = state;
  const peak = peakArrival(state, patienceMs(limits));
  const isSpare = (count: number): boolean => {
    const isKnownShort = shortage !== null && count <= shortage.count && state.at < shortage.until;
    if (isKnownShort && peak >= SHORTAGE_SHARE * shortage.arrivalPerSecond) return false;
    const capacity = capacityOf(count, sizing);
    const lag = observation.lagRecords + peak * state.pauseSeconds;
    return capacity >= HEADROOM_DOWN * peak && lag <= SPARE_SHARE * limits.drainSeconds * capacity;
  };
  const counts = usefulCounts(limits.minConsumers, wanted - 1, observation.partitions);
  return (wanted > limits.minConsumers ? counts.find((count) => isSpare(count)) : undefined) ?? null;
}

/** Returns whether a step down saves more consumer time than the pauses of its rebalance, and of the way back, cost. */
export function isWorthItsPause({ wanted, pauseSeconds }: AutoscaleState, to: number): boolean {
  return (wanted - to) * EXPECTED_STAY_SECONDS >= 2 * pauseSeconds * wanted;
}

/** The lag at the end of a step that is decided now: what arrives until consumers have started, and during the pause. */
function lagAfterStep(sizing: Sizing): number {
  const { state, observation } = sizing;
  const { arrivalPerSecond: arrival, pauseSeconds } = state;
  const growth = Math.max(0, arrival - capacityOf(state.wanted, sizing));
  return observation.lagRecords + growth * REACTION_SECONDS + arrival * pauseSeconds;
}

function capacityOf(count: number, { observation, rate }: Pick<Sizing, 'observation' | 'rate'>): number {
  return rate * carriedBy(count, observation.partitions);
}

/** A load counts as changed when orders are saved, or arrive, faster by this factor than they were saved. */
const CHANGED = 1.2;
/** From a step that was taken back until the mean is that of the number before it. */
const MEAN_AFTER_MS = 60_000;
/** When so few seconds of work are left, the load that a step did not help with is over. */
const DRAINED_SECONDS = 2;
/** A consumer that uses this share of its in-flight limit does not wait for keys. */
const FULL_SHARE = 0.95;
/** It has to be full for so long, and longer each time that another try was in vain: the bound may be close to what it can save anyway. */
const FULL_FOR_MS = 60_000;
const FULL_FACTOR = 4;
/** A number that was not enough is tried again after this time, and later each time that it is not enough again. */
const RETRY_MS = 30 * 60_000;
const MAX_RETRY_MS = 8 * 60 * 60_000;
/** An arrival of at least this share is the same load. */
const SAME_LOAD = 0.9;

/**
 * Follows what was learned from a step that did not help.
 * @returns `null` once the load has changed: it has been worked off, or orders arrive or are saved faster. The bound is over when consumers that
 * waited for keys are full.
 */
export function followBound(state: AutoscaleState, observation: LoadObservation): LearnedBound | null {
  const { bound, savedPerSecond, arrivalPerSecond, at, changedAt } = state;
  if (bound === null || bound.isOver) return bound;
  const saved = bound.savedPerSecond ?? (at - changedAt >= MEAN_AFTER_MS ? savedPerSecond : null);
  if (saved === null) return bound;
  const isDrained = observation.lagRecords <= DRAINED_SECONDS * saved;
  const isFaster =
    savedPerSecond > CHANGED * saved || arrivalPerSecond > CHANGED * Math.max(saved, bound.arrivalPerSecond);
  const isFull = bound.bound === 'keys' && observation.isCalm && observation.hasWork && observation.used >= FULL_SHARE;
  const fullSince = isFull ? (bound.fullSince ?? at) : null;
  if (isDrained || isFaster) return null;
  const isOver = fullSince !== null && at - fullSince >= FULL_FOR_MS * FULL_FACTOR ** bound.failures;
  return { ...bound, savedPerSecond: saved, fullSince, isOver };
}

/** Returns what is learned from a step up that did not help. */
export function learnedBound(state: AutoscaleState, step: Step, { bound, factor }: StepVerdict): LearnedBound {
  const { bound: before, arrivalPerSecond } = state;
  const isAgain = before?.isOver === true && before.count === step.from;
  const failures = isAgain ? before.failures + 1 : 0;
  const learned = { count: step.from, tried: step.to, bound, factor, arrivalPerSecond };
  return { ...learned, savedPerSecond: null, fullSince: null, isOver: false, failures };
}

/**
 * Remembers that these consumers do not carry what arrives, so that a step down does not try them again soon: after half an hour, and
 * after twice that time when they are not enough again. What made saves slow may be over.
 */
export function withShortage(state: AutoscaleState, { rate, observation }: Sizing): AutoscaleState {
  const { at, arrivalPerSecond, wanted, shortage } = state;
  if (arrivalPerSecond <= rate * carriedBy(wanted, observation.partitions)) return state;
  const isAgain =
    shortage !== null && wanted <= shortage.count && arrivalPerSecond >= SAME_LOAD * shortage.arrivalPerSecond;
  const failures = isAgain ? shortage.failures + 1 : 0;
  const until = at + Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** failures);
  return { ...state, shortage: { count: wanted, arrivalPerSecond, until, failures } };
}
