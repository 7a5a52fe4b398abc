import { carriedBy } from './capacity.js';
import type { AutoscaleState, LoadObservation, Step, StepVerdict } from './autoscale-state.js';

/** Rates are means over about this time: a shorter one would follow single batches. */
const MEAN_SECONDS = 15;
const PEAK_MS = 30_000;
const KEPT_PEAKS = 11;
/** After this time without observations, what was seen of the load is too old. */
const GAP_MS = 60_000;
/** From the first waiting record until the rate is that of full consumers. */
const FULL_AFTER_MS = 8_000;
/** From a step until the rate is that of the new number. */
const SETTLED_AFTER_MS = 10_000;
/** A consumer that uses this share of its in-flight limit does not wait for keys: what it saves then is the most that it can. */
const FULL = 0.8;
/** From this share on, the rate of a full consumer is estimated by the orders in flight; it may take longer when it is full, so slowly. */
const ESTIMABLE = 0.2;
const ESTIMATE_SECONDS = 120;
/** Below this share of what the consumers can save, they do not save slowly: something is wrong with what they need. */
const STALLED_SHARE = 0.1;
/** Until it is measured. */
const ASSUMED_PAUSE_SECONDS = 5;

type FirstObservation = Pick<LoadObservation, 'at' | 'consumers' | 'arrivalPerSecond' | 'savedPerSecond'>;

/** Returns the state of a policy that has seen one observation. */
export function firstState({ at, consumers, arrivalPerSecond, savedPerSecond }: FirstObservation): AutoscaleState {
  return {
    at,
    wanted: consumers,
    arrivalPerSecond,
    peaks: [],
    savedPerSecond,
    ratePerConsumer: null,
    workSince: null,
    pauseSeconds: ASSUMED_PAUSE_SECONDS,
    step: null,
    changedAt: at,
    spareSince: null,
    bound: null,
    shortage: null,
    heldUntil: null,
  };
}

/** Returns the state to go on from. After a gap, only what was measured of the consumers is kept. */
export function stateBefore(before: AutoscaleState | null, observation: FirstObservation): AutoscaleState {
  if (before === null) return firstState(observation);
  // The clock of another console may be behind.
  if (Math.abs(observation.at - before.at) <= GAP_MS) return before;
  const { ratePerConsumer, pauseSeconds, heldUntil } = before;
  return { ...firstState(observation), ratePerConsumer, pauseSeconds, heldUntil };
}

/** Adds an observation to what is known about the load. */
export function followLoad(stored: AutoscaleState | null, observation: LoadObservation): AutoscaleState {
  const before = stateBefore(stored, observation);
  if (before !== stored) return before;
  const { at } = observation;
  const seconds = Math.max(0, at - before.at) / 1_000;
  const mean = (old: number, sample: number, over = MEAN_SECONDS): number =>
    old + (sample - old) * (1 - Math.exp(-seconds / over));
  const arrivalPerSecond = mean(before.arrivalPerSecond, observation.arrivalPerSecond);
  const state: AutoscaleState = {
    ...before,
    at,
    arrivalPerSecond,
    peaks: withPeak(before.peaks, at, arrivalPerSecond),
    savedPerSecond: mean(before.savedPerSecond, observation.savedPerSecond),
    workSince: observation.hasWork && observation.isCalm ? (before.workSince ?? at) : null,
  };
  const { ratePerConsumer } = before;
  const sample = rateSample(state, observation);
  if (sample === null) return state;
  const over = observation.hasWork ? MEAN_SECONDS : ESTIMATE_SECONDS;
  return { ...state, ratePerConsumer: ratePerConsumer === null ? sample : mean(ratePerConsumer, sample, over) };
}

/** Returns what one consumer saves while it is full, as far as this observation shows it; `null`: it does not. */
function rateSample(state: AutoscaleState, observation: LoadObservation): number | null {
  const { at, changedAt, step, workSince, ratePerConsumer } = state;
  const { consumers, partitions, savedPerSecond, used, hasWork, isCalm } = observation;
  if (!isCalm || step !== null || at - changedAt < SETTLED_AFTER_MS) return null;
  const perConsumer = savedPerSecond / carriedBy(consumers, partitions);
  if (!hasWork) return ratePerConsumer !== null && used >= ESTIMABLE && used <= 1 ? perConsumer / used : null;
  if (workSince === null || at - workSince < FULL_AFTER_MS || isStalled(state, observation)) return null;
  // Consumers that wait for keys could save more. Without another figure, theirs has to do.
  return used >= FULL || ratePerConsumer === null ? perConsumer : null;
}

/** Returns the highest rate of arrival of the last minutes. @param sinceMs how far back, up to five minutes */
export function peakArrival({ at, peaks, arrivalPerSecond }: AutoscaleState, sinceMs: number): number {
  const recent = peaks.filter(({ from }) => from + PEAK_MS > at - sinceMs);
  return Math.max(arrivalPerSecond, ...recent.map((peak) => peak.arrivalPerSecond));
}

/** Returns whether orders wait and nearly none is saved. More consumers do not help then. */
export function isStalled(
  state: AutoscaleState,
  { at, consumers, partitions, savedPerSecond, used }: LoadObservation,
): boolean {
  const { workSince, ratePerConsumer } = state;
  // Consumers that wait for keys are not full.
  if (workSince === null || at - workSince < FULL_AFTER_MS || used < FULL) return false;
  if (ratePerConsumer === null) return savedPerSecond === 0;
  return savedPerSecond < STALLED_SHARE * ratePerConsumer * carriedBy(consumers, partitions);
}

function withPeak(peaks: AutoscaleState['peaks'], at: number, arrivalPerSecond: number): AutoscaleState['peaks'] {
  const from = Math.floor(at / PEAK_MS) * PEAK_MS;
  const last = peaks.at(-1);
  if (last?.from !== from) return [...peaks.slice(1 - KEPT_PEAKS), { from, arrivalPerSecond }];
  return [...peaks.slice(0, -1), { from, arrivalPerSecond: Math.max(last.arrivalPerSecond, arrivalPerSecond) }];
}

/** A rebalance is over after this time; what is saved less later has other causes. */
const PAUSE_WITHIN_MS = 30_000;
/** A step down needs no verdict: it is done after this time. */
const STEP_DONE_AFTER_MS = 30_000;
/** A step that has no verdict by then gets none. */
const GIVE_UP_AFTER_MS = 180_000;
/** The clocks of two observations of one change. */
const SLACK_MS = 1_000;
const MAX_PAUSE_SECONDS = 60;

/** How a step ended; `null`: it has not. */
export type StepEnd = { readonly isJudged: boolean; readonly verdict: StepVerdict | null } | null;

/** Adds an observation to the step that is being made. @param elapsedMs since the observation before */
export function followStep(
  state: AutoscaleState,
  observation: LoadObservation,
  elapsedMs: number,
): { readonly state: AutoscaleState; readonly end: StepEnd } {
  if (state.step === null) return { state, end: null };
  const step = { ...state.step, ...seenOf(state.step, observation, elapsedMs) };
  const end = endOf(step, observation);
  if (end === null) return { state: { ...state, step }, end };
  return { state: { ...state, step: null, pauseSeconds: learnedPause(state, step, observation) }, end };
}

function seenOf(step: Step, observation: LoadObservation, elapsedMs: number): Pick<Step, 'isApplied' | 'lostSeconds'> {
  const { at, consumers, partitions, savedPerSecond, hasWork } = observation;
  const isApplied = step.isApplied || consumers === step.to;
  const { savedBefore, lostSeconds, from, to } = step;
  if (savedBefore === null || !hasWork || at - step.at > PAUSE_WITHIN_MS) return { isApplied, lostSeconds };
  const expected = savedBefore * Math.min(1, carriedBy(to, partitions) / carriedBy(from, partitions));
  return { isApplied, lostSeconds: lostSeconds + Math.max(0, 1 - savedPerSecond / expected) * (elapsedMs / 1_000) };
}

function endOf(step: Step, { at, verdict, isCalm }: LoadObservation): StepEnd {
  const isOfStep = verdict !== null && verdict.to === step.to && verdict.at >= step.at - SLACK_MS;
  if (isOfStep && step.isApplied) return { isJudged: verdict.outcome !== 'unknown', verdict };
  const isSettled = step.kind === 'down' && step.isApplied && isCalm && at - step.at >= STEP_DONE_AFTER_MS;
  return isSettled || at - step.at >= GIVE_UP_AFTER_MS ? { isJudged: false, verdict: null } : null;
}

/** The mean of the pause that was known and the measured one. Without work to compare with, nothing was measured. */
function learnedPause({ pauseSeconds }: AutoscaleState, step: Step, { at, hasWork }: LoadObservation): number {
  if (step.savedBefore === null || !hasWork || at - step.at < PAUSE_WITHIN_MS / 3) return pauseSeconds;
  return Math.min(MAX_PAUSE_SECONDS, (pauseSeconds + step.lostSeconds) / 2);
}
