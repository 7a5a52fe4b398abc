import type { RuntimeSettings } from '../events/runtime-options.js';
import type { Task } from '../partition/assignment-and-tasks.js';
import type { Broker } from '../broker/broker.js';
import type { AttemptSettings } from './attempt-options.js';
import type { Scheduler } from '../window/scheduler.js';
import { DeadLetterPublisher } from './dead-letter-publisher.js';
import type { RunnerCounts, RunnerEvents } from './runner-events.js';

/** The components of the task runner that the end of an attempt concerns. */
export interface RunnerParts {
  readonly scheduler: Scheduler;
  readonly events: RunnerEvents;
  readonly counts: RunnerCounts;
  /** Starts the tasks that may run now. */
  readonly pump: () => void;
}

/** Ends a task in one of three ways: completed, dead-lettered, or handed over after a revocation. Only this class completes offsets. */
export class TaskCompletion {
  readonly deadLetters: DeadLetterPublisher;

  constructor(
    private readonly options: AttemptSettings & RuntimeSettings,
    broker: Broker,
    private readonly parts: RunnerParts,
  ) {
    this.deadLetters = new DeadLetterPublisher(options, broker);
  }

  complete(task: Task): void {
    task.trace?.ended('handled');
    this.close(task);
  }

  private close(task: Task): void {
    task.assignment.tracker.complete(task);
    this.parts.counts.finished += 1;
    this.end(task);
  }

  /** Resolves once the dead letter is published; never rejects. If `onDeadLetter` is `stop`, it publishes nothing and keeps the task. */
  async deadLetter(task: Task, cause: unknown): Promise<void> {
    const { scheduler, events, counts } = this.parts;
    if (this.options.onDeadLetter === 'stop') {
      task.trace?.ended('handed-over', cause);
      task.trace = undefined;
      scheduler.postponed(task);
      events.halted(task, cause);
      events.progressed();
      return;
    }
    if (!(await this.deadLetters.publish(task, cause))) return this.handOver(task);
    counts.deadLettered += 1;
    task.trace?.ended('dead-lettered', cause);
    this.close(task);
  }

  /** Drops the task of a revoked partition: the next owner processes the record again. */
  handOver(task: Task): void {
    task.trace?.ended('handed-over');
    this.parts.events.handedOver(1);
    this.end(task);
  }

  private end(task: Task): void {
    const { scheduler, events, pump } = this.parts;
    scheduler.finished(task);
    events.progressed();
    pump();
  }
}
