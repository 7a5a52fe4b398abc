import type { Clock } from '@orders-pipeline/clock';
import type { ConsumerState } from '../consumers/consumer-state.js';
import type { WatchedConsumer } from '../consumers/consumer-watch.js';

interface Request {
  readonly count: number;
  readonly at: number;
}

/** Consumers that do not run yet, or perhaps not any more. */
const UNSETTLED: ReadonlySet<ConsumerState> = new Set(['starting', 'draining', 'late', 'silent']);

/**
 * The last requested number of consumers, until that many run. All clients see it, so that two that scale at once see which request counts.
 * Requests are numbered: a client compares the number of its own request with that in a state, and so ignores an older state.
 */
export class ScalingTarget {
  private requested: Request | undefined;
  private counted = 0;
  private last: number | null = null;

  constructor(private readonly clock: Clock) {}

  /** @returns the number of this request, from 1 */
  request(count: number): number {
    this.last = count;
    this.requested = { count, at: this.clock.now() };
    return (this.counted += 1);
  }

  /** The number of the last request, fulfilled or not; `null`: there was none since the console started. */
  get lastRequested(): number | null {
    return this.last;
  }

  /** How many requests there were since the console started. */
  get requests(): number {
    return this.counted;
  }

  /** Forgets the request once exactly that many consumers run and none starts or drains. @param consumers `null`: unknown */
  observe(consumers: readonly WatchedConsumer[] | null): void {
    if (consumers === null || this.requested === undefined) return;
    const present = consumers.filter(({ state }) => state !== 'dead');
    const isDone = present.every(({ state }) => !UNSETTLED.has(state));
    if (isDone && present.length === this.requested.count) this.requested = undefined;
  }

  /** @returns `null` when there is no request, or it is fulfilled */
  get pending(): { readonly count: number; readonly secondsAgo: number } | null {
    if (this.requested === undefined) return null;
    const { count, at } = this.requested;
    return { count, secondsAgo: Math.round((this.clock.now() - at) / 1_000) };
  }
}
