import {
  circuitBreaker,
  CircuitState,
  ConsecutiveBreaker,
  ExponentialBackoff,
  handleWhen,
  isBrokenCircuitError,
} from 'cockatiel';
import type { SideName } from './side.js';
import { SideAwayError } from './side-away-error.js';

/** Without an answer to this many requests in a row, a side counts as away. */
const FAILURES_TO_OPEN = 10;

export interface BreakerOptions {
  readonly side: SideName;
  /** Requests at a time; more are rejected at once. */
  readonly maxRunning: number;
  /** How long no request is sent after the breaker opened. Doubles up to 16 times this while probes fail. */
  readonly pauseMs: number;
}

/**
 * Stops sending requests to a side that is away: a client then gets its 503 at once instead of after a time-out. While it is open, one
 * request at a time probes the side. Answers of any status are successes: the side is there.
 */
export class Breaker {
  private readonly policy;
  private running = 0;

  constructor(private readonly options: BreakerOptions) {
    this.policy = circuitBreaker(
      handleWhen((error) => error instanceof SideAwayError),
      {
        halfOpenAfter: new ExponentialBackoff({ initialDelay: options.pauseMs, maxDelay: 16 * options.pauseMs }),
        breaker: new ConsecutiveBreaker(FAILURES_TO_OPEN),
      },
    );
  }

  get isOpen(): boolean {
    return this.policy.state !== CircuitState.Closed;
  }

  /** @throws SideAwayError `breaker-open` or `overloaded` without running the work, and the work's own errors */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const { side, maxRunning } = this.options;
    // The library lets requests wait for the result of a probe. They would wait as long as its time-out.
    if (this.policy.state === CircuitState.HalfOpen)
      throw new SideAwayError(side, 'breaker-open', 'one request probes whether it is back');
    if (this.running >= maxRunning)
      throw new SideAwayError(side, 'overloaded', `${maxRunning} requests are waiting for it already`);
    this.running += 1;
    try {
      return await this.policy.execute(work);
    } catch (error) {
      if (!isBrokenCircuitError(error)) throw error;
      throw new SideAwayError(side, 'breaker-open', `it did not answer ${FAILURES_TO_OPEN} requests in a row`);
    } finally {
      this.running -= 1;
    }
  }
}
