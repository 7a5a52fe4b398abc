import type { Clock } from '@orders-pipeline/clock';
import { HttpStatus } from '@nestjs/common';
import { Problem } from '#service/http/problem.js';
import type { ConsumerState } from '../pipeline/consumer-state.js';
import type { WatchedConsumer } from '../pipeline/consumer-watch.js';

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
  /** How many requests there were since the console started. */
  requests = 0;
  /** The number of the last request, fulfilled or not; `null`: there was none since the console started. */
  lastRequested: number | null = null;
  private requested: Request | undefined;

  constructor(private readonly clock: Clock) {}

  /** @returns the number of this request, from 1 */
  request(count: number): number {
    this.lastRequested = count;
    this.requested = { count, at: this.clock.now() };
    return (this.requests += 1);
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

/** Creates the 409 problem of a console that can not start or stop consumers. */
export function notScaledHere(): Problem {
  return new Problem(
    HttpStatus.CONFLICT,
    'not-scaled-here',
    'The consumers are not managed by `npm start`. In Docker Compose: docker compose up --no-recreate --scale consumer=N.',
  );
}

/** The IPC channel to the parent process. */
interface SupervisorChannel {
  readonly connected: boolean;
  send?(message: { readonly type: 'scale'; readonly consumers: number }): boolean;
}

/** Requests consumers from the process that starts and drains them under `npm start`. */
export class Supervisor {
  /** @param channel `undefined` when the consumers are not managed by `npm start` */
  constructor(
    private readonly channel: SupervisorChannel | undefined,
    private readonly target: ScalingTarget,
  ) {}

  /**
   * Requests a number of consumers; they start or drain later.
   * @returns the number of the request, from 1
   * @throws Problem 409 when no supervisor is connected
   */
  scale(consumers: number): number {
    if (this.channel?.send === undefined || !this.channel.connected) throw notScaledHere();
    this.channel.send({ type: 'scale', consumers });
    return this.target.request(consumers);
  }
}
