import type { Clock } from '#parallel-consumer/clock.js';

/** What the waits between tries are made of, injected, so that specs wait for nothing. */
export interface RetryTiming {
  readonly clock: Clock;
  /** Gives numbers from 0 up to 1. */
  readonly random: () => number;
}
