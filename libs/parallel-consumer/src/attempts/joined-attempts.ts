import type { Clock } from '@orders-pipeline/clock';
import type { Broker } from '../broker/broker.js';
import type { CircuitBreaker } from './circuit-breaker.js';
import { AttemptWithdrawnError, JoinedAttempt, type RunningAttempt } from './running-attempt.js';
import type { RunnerParts } from './task-completion.js';

/** What happens with a joined attempt that has ended. */
export interface JoinedEnds {
  readonly succeeded: (attempt: JoinedAttempt) => void;
  readonly failed: (attempt: JoinedAttempt, error: Error) => void;
}

/**
 * Lets records of one key run together, in one batch: the first one's attempt takes the others, and all end with it.
 *
 * Guarantee: they end in their order, and none after one that failed: the records after it wait for it, and are tried again.
 */
export class JoinedAttempts {
  constructor(
    private readonly parts: Pick<RunnerParts, 'scheduler' | 'events' | 'pump'>,
    private readonly breaker: CircuitBreaker,
    private readonly clock: Clock,
    private readonly broker: Pick<Broker, 'startsUntil'>,
    private readonly ends: JoinedEnds,
  ) {}

  /** Starts the next record of the attempt's key. @returns undefined when none waits or may start */
  take(first: RunningAttempt): JoinedAttempt | undefined {
    // A suspended consumer starts one probe at a time.
    if (first.settled || this.breaker.active) return undefined;
    const now = this.clock.now();
    if (now >= this.broker.startsUntil) return undefined;
    const task = this.parts.scheduler.join(first.joined?.at(-1)?.task ?? first.task);
    if (task === undefined) return undefined;
    const attempt = new JoinedAttempt(task, this.breaker.begin(), now, first);
    task.trace?.attemptStarted(attempt.number);
    first.joined ??= [];
    first.joined.push(attempt);
    return attempt;
  }

  /** Ends the attempts joined to one that succeeded, and was completed. */
  succeeded({ joined = [] }: RunningAttempt): void {
    let done = 0;
    for (; joined[done]?.hasSucceeded === true; done += 1) this.ends.succeeded(joined[done] as JoinedAttempt);
    const failed = joined[done];
    if (failed === undefined) return;
    // First those behind it: a new attempt of the failed record may take them again.
    this.endUntried(joined.slice(done + 1));
    if (failed.error === undefined || failed.error instanceof AttemptWithdrawnError) this.endUntried([failed], true);
    else this.ends.failed(failed, failed.error);
  }

  /** Ends the attempts joined to one that failed, before its failure is handled: its next attempt may take them again. */
  failed({ joined }: RunningAttempt): void {
    if (joined !== undefined) this.endUntried(joined);
  }

  /** Ends attempts that count as not tried. @param holdKey whether the first one may run again at once */
  private endUntried(attempts: readonly JoinedAttempt[], holdKey = false): void {
    const { scheduler, events, pump } = this.parts;
    for (const { task } of attempts) {
      task.trace?.attemptEnded('withdrawn');
      if (!scheduler.endUntried(task, holdKey)) events.handedOver(1);
    }
    if (attempts.length > 0) events.progressed();
    if (holdKey) pump();
  }
}
