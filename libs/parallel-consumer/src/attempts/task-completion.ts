import type { Task } from '../assignment.js';
import type { Broker } from '../kafka/broker.js';
import type { ResolvedOptions } from '../options.js';
import type { Scheduler } from '../window/scheduler.js';
import { DeadLetterPublisher } from './dead-letter-publisher.js';
import type { RunnerCounts, RunnerEvents } from './runner-events.js';

/** What hears of an end. */
interface Listeners {
  readonly scheduler: Scheduler;
  readonly events: RunnerEvents;
  readonly counts: RunnerCounts;
  /** Starts what an end has made room for. */
  readonly pump: () => void;
}

/** The three ways in which a task ends: done, dead-lettered, or handed over because its partition went. Nothing else completes an offset. */
export class TaskCompletion {
  readonly deadLetters: DeadLetterPublisher;

  constructor(
    private readonly options: ResolvedOptions,
    broker: Broker,
    private readonly listeners: Listeners,
  ) {
    this.deadLetters = new DeadLetterPublisher(options, broker);
  }

  complete(task: Task): void {
    task.assignment.tracker.complete(task);
    this.listeners.counts.finished += 1;
    this.end(task);
  }

  /** Resolves when its dead letter is there; never rejects. Where `onDeadLetter` is `stop`, the task stays as it is. */
  async deadLetter(task: Task, cause: unknown): Promise<void> {
    const { scheduler, events, counts } = this.listeners;
    if (this.options.onDeadLetter === 'stop') {
      scheduler.paused();
      events.halted(task, cause);
      events.progressed();
      return;
    }
    if (!(await this.deadLetters.publish(task, cause))) return this.handOver(task);
    counts.deadLettered += 1;
    this.complete(task);
  }

  /** The partition went: its next owner does the record again. */
  handOver(task: Task): void {
    this.listeners.events.handedOver(1);
    this.end(task);
  }

  private end(task: Task): void {
    const { scheduler, events, pump } = this.listeners;
    scheduler.finished(task);
    events.progressed();
    pump();
  }
}
