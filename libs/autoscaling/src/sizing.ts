import { patienceMs, type AutoscaleLimits } from './autoscale-limits.js';
import type { AutoscaleState } from './autoscale-state.js';
import { carriedBy, usefulCounts } from './capacity.js';
import { peakArrival } from './follow-load.js';
import type { LoadObservation } from './load-observation.js';

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
