import type { RunnerCounts } from '../attempts/runner-events.js';
import type { TaskRunner } from '../attempts/task-runner.js';
import type { Committer } from '../commits/committer.js';
import type { DrainReport } from '../events/drain-report.js';
import type { RuntimeSettings } from '../events/runtime-options.js';
import type { WindowFiller } from '../buffering/window-filler.js';
import { ConditionVariable } from '../structures/condition-variable.js';
import type { Scheduler } from '../window/scheduler.js';
import type { Assignment } from '../partition/assignment-and-tasks.js';
import type { AssignedPartitions } from './assigned-partitions.js';

/** The parts of the engine that a drain pauses, and counts the records of. */
export interface DrainedParts {
  readonly scheduler: Scheduler;
  readonly runner: TaskRunner;
  readonly filler: WindowFiller;
  readonly committer: Committer;
  readonly assignments: AssignedPartitions;
}

/** How many records had ended. */
export type FinishedCounts = Readonly<Pick<RunnerCounts, 'finished' | 'deadLettered'>>;

/** Drains before a rebalance, before partitions leave this member, and before a stop: starts nothing new, waits for running work, and commits. */
export class Drain {
  private readonly progress = new ConditionVariable();
  private draining: Promise<void> | undefined;
  /** Drains that wait for running work. */
  private waits = 0;

  constructor(
    private readonly options: RuntimeSettings & { readonly drainTimeoutMs: number },
    private readonly parts: DrainedParts,
  ) {}

  /** The drain in progress, if any. */
  get current(): Promise<void> | undefined {
    return this.draining;
  }

  /** Called when an attempt has ended. */
  progressed(): void {
    if (this.waits > 0) this.progress.wake();
  }

  /** Runs one drain at a time: a stop during a rebalance waits for the same drain, and vice versa. */
  async run(): Promise<void> {
    this.draining ??= this.runOnce();
    await this.draining;
    this.draining = undefined;
  }

  /** Drains partitions that another member will get, while the others go on. */
  async surrender(leaving: readonly Assignment[]): Promise<void> {
    for (const assignment of leaving) assignment.isLeaving = true;
    await this.until(() => leaving.every(({ isIdle, revoked }) => isIdle || revoked));
    await this.parts.committer.commit();
  }

  /** Accounts for all records. @param before the counts at the begin of the drain @param left number of records that are left to the next owners */
  report(before: FinishedCounts, left: number): DrainReport {
    const { assignments, filler, runner, scheduler } = this.parts;
    const { finished, deadLettered } = runner.counts;
    const lost = filler.taken - finished - assignments.handedOver - scheduler.taken;
    return {
      finished: finished - before.finished,
      deadLettered: deadLettered - before.deadLettered,
      handedOver: left,
      lost,
    };
  }

  private async runOnce(): Promise<void> {
    const { scheduler, runner, committer } = this.parts;
    runner.setDraining(true);
    // A timed commit while joining could store the old generation's offsets in the new generation.
    committer.pause();
    await this.until(() => scheduler.running === 0);
    await committer.commit();
  }

  private async until(isDrained: () => boolean): Promise<void> {
    const { clock, drainTimeoutMs } = this.options;
    const deadline = clock.now() + drainTimeoutMs;
    this.waits += 1;
    while (!isDrained() && clock.now() < deadline) await this.progress.wait(clock, deadline - clock.now());
    this.waits -= 1;
  }
}
