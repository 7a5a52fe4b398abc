import type { StepVerdict } from './load-observation.js';

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
