import type { StepVerdict, AutoscaleState, LearnedBound, Bound } from './autoscale-state.js';
import type { AutoscaleLimits } from './capacity.js';

/**
 * Why the policy decided as it did.
 * - `limits`: the number is outside the limits
 * - `goal-at-risk`: with this number, orders would wait longer than the goal
 * - `no-gain`: the last step did not help, and is taken back
 * - `spare-capacity`: fewer consumers carry the load
 * - `enough`: the consumers carry the load
 * - `measuring`: the last step has no verdict yet
 * - `helped`, `not-judged`: the verdict on the last step, which stays
 * - `reconsidered`: a step was taken back, which made saves slower: it had helped after all
 * - `bound`: more would be needed, but more did not help, and the load is still the same
 * - `at-maximum`: more would be needed, but there are as many as the limits allow
 * - `scaling-down-slowly`: fewer would do, but have to do for some minutes first
 * - `not-worth-a-pause`: fewer would do, but the pause of a rebalance costs more than they save
 * - `stalled`: orders wait and nearly none is saved, whatever the number
 * - `suspended`: no consumer can work
 * - `held-by-hand`: a person has set the number
 * - `unknown`: figures are missing
 */
export type DecisionReason =
  | 'limits'
  | 'goal-at-risk'
  | 'no-gain'
  | 'spare-capacity'
  | 'enough'
  | 'measuring'
  | 'helped'
  | 'not-judged'
  | 'reconsidered'
  | 'bound'
  | 'at-maximum'
  | 'scaling-down-slowly'
  | 'not-worth-a-pause'
  | 'stalled'
  | 'suspended'
  | 'held-by-hand'
  | 'unknown';

/** The figures that a decision follows from. Rates are orders per second; `null`: unknown. */
export interface DecisionFigures {
  readonly lagRecords: number | null;
  readonly arrivalPerSecond: number | null;
  readonly savedPerSecond: number | null;
  /** What one consumer saves while it has enough work. */
  readonly ratePerConsumer: number | null;
  /** How long an order that arrives now would wait with the consumers of now. */
  readonly waitSeconds: number | null;
  /** What a rebalance costs, in seconds without a save. */
  readonly pauseSeconds: number;
}

/** What the policy decided, and why. */
export interface Decision {
  readonly kind: 'up' | 'down' | 'revert' | 'keep';
  readonly reason: DecisionReason;
  readonly from: number;
  readonly to: number;
  /** One sentence for a person. */
  readonly text: string;
  readonly figures: DecisionFigures;
  /** The verdict that it follows from; `null`: none. */
  readonly verdict: StepVerdict | null;
}

const BOUNDS: Readonly<Record<Bound, string>> = {
  partitions: 'by partitions',
  keys: 'by keys: too few are active',
  cpu: 'by CPU',
  database: 'by the database',
};

/** Formats a rate or a number of records: two significant digits, with separators. */
function figure(value: number): string {
  return Number(value.toPrecision(2)).toLocaleString('en-US');
}

function plural(count: number): string {
  return count === 1 ? '1 consumer' : `${count} consumers`;
}

/** The sentences of the decisions. They say what is done, and the figures that it follows from. */
export const TEXTS = {
  limits: (to: number, { minConsumers, maxConsumers }: AutoscaleLimits) =>
    `to ${plural(to)}: the limits are ${minConsumers} to ${maxConsumers}`,
  up: ({ wanted, arrivalPerSecond }: AutoscaleState, to: number, waitSeconds: number, goal: number) =>
    `to ${plural(to)}: with ${wanted}, orders wait ${figure(waitSeconds)} s and more, ${figure(arrivalPerSecond)}/s arrive, and the goal is ${goal} s`,
  revert: (to: number, verdict: StepVerdict) =>
    `back to ${plural(to)}: ${plural(verdict.to)} did not help (${factorOf(verdict)})${boundText(verdict.bound)}`,
  down: (to: number, peak: number, capacity: number) =>
    `to ${plural(to)}: at most ${figure(peak)}/s arrived in the last minutes, and ${to} save ${figure(capacity)}/s`,
  enough: (state: AutoscaleState) =>
    `${plural(state.wanted)} ${state.wanted === 1 ? 'carries' : 'carry'} the load: ${figure(state.arrivalPerSecond)}/s arrive`,
  measuring: ({ from, to }: { readonly from: number; readonly to: number }) =>
    `${from} → ${plural(to)}: measuring whether it helped`,
  learning: () => 'measuring what one consumer saves',
  helped: (verdict: StepVerdict) => `${plural(verdict.to)} helped (${factorOf(verdict)})${boundText(verdict.bound)}`,
  notJudged: (to: number) =>
    `${plural(to)} stay without a verdict: too few orders waited, or they did not start in time`,
  minimum: (to: number, verdict: StepVerdict) =>
    `${plural(to)} stay, although they did not help (${factorOf(verdict)})${boundText(verdict.bound)}: it is the minimum`,
  reconsidered: (verdict: StepVerdict) =>
    `the way back made saves slower (${factorOf(verdict)}), so that the step had helped: it may be made again`,
  bound: ({ tried, count, bound, factor: gain }: LearnedBound) =>
    `${plural(count)} stay, although orders wait: ${tried} did not help (${times(gain)})${boundText(bound)}; tried again when the load has changed`,
  atMaximum: (wanted: number) => `${plural(wanted)} stay, although orders wait: it is the maximum`,
  slowly: (to: number, seconds: number) =>
    `${plural(to)} would do; waits ${Math.ceil(seconds)} s more, in case the load returns`,
  notWorth: (to: number, pauseSeconds: number) =>
    `${plural(to)} would do, but a rebalance stops all saves for ${figure(pauseSeconds)} s, which costs more`,
  stalled: () => 'orders wait and nearly none is saved: more consumers do not help',
  suspended: () => 'no consumer can work: more consumers do not help',
  held: (wanted: number, seconds: number) =>
    `${plural(wanted)} were set by hand: kept for ${Math.ceil(seconds / 60)} min more, or until autoscaling is resumed`,
  unknown: () => 'figures of the pipeline are missing, or there is no consumer',
} as const;

function factorOf(verdict: StepVerdict): string {
  return times(verdict.factor);
}

function times(value: number | null): string {
  return value === null ? 'unknown factor' : `${value.toFixed(2)} times the throughput`;
}

function boundText(bound: Bound | null): string {
  return bound === null ? '' : `, bound ${BOUNDS[bound]}`;
}
