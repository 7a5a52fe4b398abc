import type { Task } from '../offsets/assignment.js';
import { backOffMs } from './back-off.js';
import type { Broker } from '../kafka/broker.js';
import { pause } from '../clock.js';
import { deadLetterOf, withoutValue } from './dead-letter.js';
import { errorCode } from './failure.js';
import type { ResolvedOptions } from '../options.js';
import { RecordsRefusedError } from '../kafka/reliable-producer.js';
import type { Scheduler } from '../window/scheduler.js';
import { Suspension } from './suspension.js';

/** Counts since the start; they only rise. */
export interface RunnerCounts {
  /** Records finished: handled or dead-lettered. */
  finished: number;
  deadLettered: number;
  retries: number;
}

/**
 * Runs tasks through the handler until each ends in one of three ways: done, dead-lettered, or handed over because its
 * partition went. Nothing else completes an offset.
 */
export class TaskRunner {
  readonly counts: RunnerCounts = { finished: 0, deadLettered: 0, retries: 0 };
  private readonly suspension: Suspension;
  private suspendedAt: number | undefined;
  private holding = false;

  constructor(
    private readonly options: ResolvedOptions,
    private readonly scheduler: Scheduler,
    private readonly broker: Broker,
    /** Called after anything that may have made room or ended the last running task. */
    private readonly onProgress: () => void,
  ) {
    this.suspension = new Suspension(options.environmentBackOff, options.random);
  }

  /** Since when the environment is away, in ms since 1970; `undefined` when it isn't. */
  get suspendedSince(): number | undefined {
    return this.suspension.active ? this.suspendedAt : undefined;
  }

  /** Starts nothing new while held: for drains. */
  hold(held: boolean): void {
    this.holding = held;
    if (!held) this.pump();
  }

  /** Starts all that may run now. */
  pump(): void {
    while (!this.holding && this.scheduler.hasReady() && this.suspension.admits()) {
      const task = this.scheduler.next();
      if (task === undefined) return;
      void this.run(task);
    }
  }

  private async run(task: Task): Promise<void> {
    const turn = this.suspension.begin();
    try {
      await this.options.handler(task.record, { number: task.failedAttempts + 1, signal: task.assignment.signal });
    } catch (error) {
      await this.failed(task, error, turn);
      return;
    }
    this.answered(turn);
    this.complete(task);
  }

  private async failed(task: Task, error: unknown, turn: number): Promise<void> {
    const kind = this.options.classify(error);
    if (kind === 'environment') return this.suspend(task, error, turn);
    this.answered(turn);
    if (task.assignment.revoked) return this.abandon(task);
    task.failedAttempts += 1;
    if (kind === 'retriable' && task.failedAttempts < this.options.maxAttempts) return this.retryLater(task);
    return this.deadLetter(task, error);
  }

  private suspend(task: Task, error: unknown, turn: number): void {
    const { clock, logger } = this.options;
    if (!this.suspension.active) this.suspendedAt = clock.now();
    const wait = this.suspension.failed(turn);
    this.scheduler.paused();
    this.scheduler.resumed(task);
    if (wait !== undefined) {
      logger.warn(
        { code: errorCode(error), reason: String(error), retryInMs: wait },
        'the environment is away: taking nothing until it answers',
      );
      clock.after(wait, () => {
        this.suspension.due();
        this.pump();
      });
    }
    this.onProgress();
  }

  private answered(turn: number): void {
    if (this.suspension.answered(turn)) this.options.logger.info({}, 'the environment answers again');
  }

  private retryLater(task: Task): void {
    const { clock, random, retryBackOff } = this.options;
    this.counts.retries += 1;
    this.scheduler.paused();
    clock.after(backOffMs(retryBackOff, task.failedAttempts, random), () => {
      this.scheduler.resumed(task);
      this.pump();
    });
    this.onProgress();
    this.pump();
  }

  /** Publishes until it is certain: the record stays unfinished meanwhile, and nothing is committed past it. */
  private async deadLetter(task: Task, cause: unknown): Promise<void> {
    const { clock, deadLetterTopic, environmentBackOff, logger, random } = this.options;
    const { topic, partition, offset } = task.record;
    let letter = deadLetterOf(task.record, cause, task.failedAttempts);
    for (let failures = 1; ; failures += 1) {
      try {
        await this.broker.publish(deadLetterTopic, letter);
        break;
      } catch (error) {
        if (task.assignment.revoked) return this.abandon(task);
        // Too large even for the dead letters: its origin and reason are worth more than a partition that stands still.
        if (error instanceof RecordsRefusedError) letter = withoutValue(letter);
        logger.error(
          { topic, partition, offset, reason: String(error), cause: errorCode(cause) },
          'a dead letter could not be published: the record stays unfinished, trying again',
        );
        const wait = backOffMs(environmentBackOff, failures, random);
        await pause(clock, wait);
      }
    }
    this.counts.deadLettered += 1;
    logger.warn({ topic, partition, offset, code: errorCode(cause), reason: String(cause) }, 'record dead-lettered');
    this.complete(task);
  }

  private complete(task: Task): void {
    task.assignment.frontier.complete(task.record.offset);
    this.counts.finished += 1;
    this.scheduler.finished(task);
    this.onProgress();
    this.pump();
  }

  /** The partition went: its next owner does the record again. */
  private abandon(task: Task): void {
    this.scheduler.finished(task);
    this.onProgress();
    this.pump();
  }
}
