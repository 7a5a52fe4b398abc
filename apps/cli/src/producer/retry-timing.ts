import type { Clock } from '@orders-pipeline/clock';

/** The clock and randomness of the back-off between tries, injected so that specs need not wait. */
export interface RetryTiming {
  readonly clock: Clock;
  /** Returns numbers from 0 up to 1. */
  readonly random: () => number;
}
