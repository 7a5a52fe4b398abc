import { circuitBreaker, CircuitState, ConsecutiveBreaker, handleWhen, isBrokenCircuitError } from 'cockatiel';
import type { Clock } from '@orders-pipeline/clock';
import type { SideName } from './side.js';
import { SideAwayError } from './side-away-error.js';

/** Without an answer to this many requests in a row, a side counts as away. */
const FAILURES_TO_OPEN = 10;

export interface BreakerOptions {
  readonly side: SideName;
  /** Requests at a time; more are rejected at once. */
  readonly maxRunning: number;
  /** How long no request is sent after the breaker opened, and between two probes. */
  readonly pauseMs: number;
  /** Asks the side for anything. @throws SideAwayError if there is no answer */
  readonly probe: () => Promise<unknown>;
  readonly clock: Clock;
}

/**
 * Stops sending requests to a side that is away: a client then gets its 503 at once instead of after a time-out. Answers of any status are
 * successes: the side is there.
 *
 * While it is open, it probes the side itself. Otherwise it would stay open for as long as there is no request, and the first request
 * after a change of stage would fail although its side has long been back.
 */
export class Breaker {
  private readonly policy;
  private running = 0;
  private isClosed = false;
  private cancelProbe: (() => void) | undefined;

  constructor(private readonly options: BreakerOptions) {
    this.policy = circuitBreaker(
      handleWhen((error) => error instanceof SideAwayError),
      {
        halfOpenAfter: options.pauseMs,
        breaker: new ConsecutiveBreaker(FAILURES_TO_OPEN),
      },
    );
    this.policy.onBreak(() => this.probeLater());
  }

  /** Ends the probes. */
  close(): void {
    this.isClosed = true;
    this.cancelProbe?.();
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

  /** A failed probe opens the breaker again, and so leads to the next one. */
  private probeLater(): void {
    const { clock, pauseMs, probe } = this.options;
    if (this.isClosed) return;
    this.cancelProbe?.();
    this.cancelProbe = clock.after(pauseMs, () => {
      this.cancelProbe = undefined;
      this.policy.execute(probe).catch(() => {
        // A request was the probe meanwhile, or the timer was early.
        if (this.isOpen && this.cancelProbe === undefined) this.probeLater();
      });
    });
  }
}
