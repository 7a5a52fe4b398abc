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
  /** No consumer can work, such as while MongoDB is away. */
  readonly isSuspended: boolean;
  /** The verdict on the last change of the number of consumers; `null`: none yet. */
  readonly verdict: StepVerdict | null;
}
