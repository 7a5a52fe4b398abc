import type { AutoscaleState, Step } from './autoscale-state.js';
import { carriedBy } from './capacity.js';
import type { LoadObservation, StepVerdict } from './load-observation.js';

/** A rebalance is over after this time; what is saved less later has other causes. */
const PAUSE_WITHIN_MS = 30_000;
/** A step down needs no verdict: it is done after this time. */
const SETTLED_AFTER_MS = 30_000;
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
  const isSettled = step.kind === 'down' && step.isApplied && isCalm && at - step.at >= SETTLED_AFTER_MS;
  return isSettled || at - step.at >= GIVE_UP_AFTER_MS ? { isJudged: false, verdict: null } : null;
}

/** The mean of the pause that was known and the measured one. Without work to compare with, nothing was measured. */
function learnedPause({ pauseSeconds }: AutoscaleState, step: Step, { at, hasWork }: LoadObservation): number {
  if (step.savedBefore === null || !hasWork || at - step.at < PAUSE_WITHIN_MS / 3) return pauseSeconds;
  return Math.min(MAX_PAUSE_SECONDS, (pauseSeconds + step.lostSeconds) / 2);
}
