import type { AutoscaleState, LearnedBound, Step } from './autoscale-state.js';
import { carriedBy } from './capacity.js';
import type { LoadObservation, StepVerdict } from './load-observation.js';
import type { Sizing } from './sizing.js';

/** A load counts as changed when orders are saved, or arrive, faster by this factor than they were saved. */
const CHANGED = 1.2;
/** From a step that was taken back until the mean is that of the number before it. */
const SETTLED_AFTER_MS = 60_000;
/** When so few seconds of work are left, the load that a step did not help with is over. */
const DRAINED_SECONDS = 2;
/** A consumer that uses this share of its in-flight limit does not wait for keys. */
const FULL = 0.95;
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
  const saved = bound.savedPerSecond ?? (at - changedAt >= SETTLED_AFTER_MS ? savedPerSecond : null);
  if (saved === null) return bound;
  const isDrained = observation.lagRecords <= DRAINED_SECONDS * saved;
  const isFaster =
    savedPerSecond > CHANGED * saved || arrivalPerSecond > CHANGED * Math.max(saved, bound.arrivalPerSecond);
  const isFull = bound.bound === 'keys' && observation.isCalm && observation.hasWork && observation.used >= FULL;
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
