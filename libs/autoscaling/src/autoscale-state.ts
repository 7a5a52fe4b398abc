/** What limits the throughput when a step did not help. */
export type Bound = 'partitions' | 'keys' | 'cpu' | 'database';

/** How the console judged a change of the number of consumers, by the orders saved per second before and after it. */
export interface StepVerdict {
  readonly from: number;
  readonly to: number;
  /** When the change was seen, in milliseconds since 1970. */
  readonly at: number;
  /** `unknown`: too few orders waited for a comparison. */
  readonly outcome: 'faster' | 'no-gain' | 'slower' | 'unknown';
  /** Saved per second after the change, divided by before; `null`: unknown. */
  readonly factor: number | null;
  readonly bound: Bound | null;
}

/** The consumers at one moment, while nothing is known of the load. */
export interface ConsumerCount {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** How many consumers there should be, as whatever starts them says. */
  readonly consumers: number;
  /** A number that a person requested since the observation before; `null`: none. */
  readonly byHand: number | null;
}

/** The load and the consumers at one moment. */
export interface LoadObservation extends ConsumerCount {
  readonly partitions: number;
  /** Records that are not committed. */
  readonly lagRecords: number;
  readonly arrivalPerSecond: number;
  readonly savedPerSecond: number;
  /** Share of the in-flight limit in use, 0 to 1. */
  readonly used: number;
  /** More records wait than the consumers can take. */
  readonly hasWork: boolean;
  /** No consumer starts, drains, waits for its partitions, or has died a moment ago. */
  readonly isCalm: boolean;
  /** No consumer can work, such as while MongoDB is unavailable. */
  readonly isSuspended: boolean;
  /** The verdict on the last change of the number of consumers; `null`: none yet. */
  readonly verdict: StepVerdict | null;
}

/** A change that was decided, until it is judged. */
export interface Step {
  readonly kind: 'up' | 'down' | 'revert';
  readonly from: number;
  readonly to: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** The requested number was seen. */
  readonly isApplied: boolean;
  /** Saved per second before it, when there was enough work to compare with; `null`: unknown. */
  readonly savedBefore: number | null;
  /** Seconds' worth of saves that the rebalance has cost so far. */
  readonly lostSeconds: number;
}

/** More than `count` did not help, under this load. */
export interface LearnedBound {
  readonly count: number;
  readonly tried: number;
  readonly bound: Bound | null;
  readonly factor: number | null;
  readonly arrivalPerSecond: number;
  /** What `count` save; `null` until it is known, some seconds after the step was taken back. */
  readonly savedPerSecond: number | null;
  /** Since when the consumers have been full, although keys were the bound; `null`: they are not. */
  readonly fullSince: number | null;
  /** Consumers that waited for keys have been full: a step is worth another try. */
  readonly isOver: boolean;
  /** How often that was in vain. */
  readonly failures: number;
}

/** `count` consumers were not enough for this rate of arrival. */
interface LearnedShortage {
  readonly count: number;
  readonly arrivalPerSecond: number;
  /** Until when they are not tried again for this arrival. */
  readonly until: number;
  /** How often they were tried again, and were not enough. */
  readonly failures: number;
}

/**
 * All that the policy remembers. A plain value: it can be stored as JSON, and the policy goes on from the stored value as from the original.
 * Times are milliseconds since 1970.
 */
export interface AutoscaleState {
  /** The time of the last observation. */
  readonly at: number;
  /** How many consumers there should be. */
  readonly wanted: number;
  /** The mean rate of arrival of about the last 15 s. */
  readonly arrivalPerSecond: number;
  /** The highest such mean of each of the last half minutes, the newest last. */
  readonly peaks: readonly { readonly from: number; readonly arrivalPerSecond: number }[];
  /** The mean saved per second of about the last 15 s. */
  readonly savedPerSecond: number;
  /** What one consumer saves while it has enough work; `null`: not measured yet. */
  readonly ratePerConsumer: number | null;
  /** Since when more records wait than the consumers can take; `null`: they do not. */
  readonly workSince: number | null;
  /** What a rebalance costs, in seconds without a save: assumed at first, then measured. */
  readonly pauseSeconds: number;
  readonly step: Step | null;
  /** When the last step was decided. */
  readonly changedAt: number;
  /** Since when fewer consumers would do; `null`: they would not. */
  readonly spareSince: number | null;
  readonly bound: LearnedBound | null;
  readonly shortage: LearnedShortage | null;
  /** Until when a number that a person set is kept; `null`: none is. */
  readonly heldUntil: number | null;
}
