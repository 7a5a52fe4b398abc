import type { TaskRunner } from '../attempts/task-runner.js';
import type { Committer } from '../commits/committer.js';
import type { DrainReport } from '../events/drain-report.js';
import type { RuntimeSettings } from '../events/runtime-options.js';
import type { Intake } from '../intake/intake.js';
import { ConditionVariable } from '../structures/condition-variable.js';
import type { Scheduler } from '../window/scheduler.js';
import type { Assignments } from './assignments.js';

/** The parts of the engine that a drain holds, and counts the records of. */
export interface DrainedParts {
  readonly scheduler: Scheduler;
  readonly runner: TaskRunner;
  readonly intake: Intake;
  readonly committer: Committer;
  readonly assignments: Assignments;
}

/** Drains before a rebalance and before a stop: starts nothing new, waits for running work, and commits. */
export class Drain {
  private readonly progress = new ConditionVariable();
  private draining: Promise<void> | undefined;

  constructor(
    private readonly options: RuntimeSettings & { readonly drainTimeoutMs: number },
    private readonly parts: DrainedParts,
  ) {}

  /** The drain in progress, if any. */
  get current(): Promise<void> | undefined {
    return this.draining;
  }

  /** Called when the last running attempt has ended. */
  idle(): void {
    this.progress.wake();
  }

  /** Runs one drain at a time: a stop during a rebalance waits for the same drain, and vice versa. */
  async run(): Promise<void> {
    this.draining ??= this.runOnce();
    await this.draining;
    this.draining = undefined;
  }

  /** Accounts for all records. @param left number of records that are left to the next owners */
  report(finishedBefore: number, left: number): DrainReport {
    const { assignments, intake, runner, scheduler } = this.parts;
    const { finished } = runner.counts;
    const lost = intake.taken - finished - assignments.handedOver - scheduler.taken;
    return { finished: finished - finishedBefore, handedOver: left, lost };
  }

  private async runOnce(): Promise<void> {
    const { clock, drainTimeoutMs } = this.options;
    const { scheduler, runner, committer } = this.parts;
    const deadline = clock.now() + drainTimeoutMs;
    runner.hold(true);
    // A timed commit while joining could store the old generation's offsets in the new generation.
    committer.hold();
    this.progress.wake();
    while (scheduler.running > 0 && clock.now() < deadline) await this.progress.wait(clock, deadline - clock.now());
    await committer.commit();
  }
}
