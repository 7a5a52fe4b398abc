import type { RuntimeSettings } from '../events/runtime-options.js';
import { StalledRecordError } from './running-attempt.js';
import type { TaskRunner } from './task-runner.js';
import type { Assignment, Task } from '../partition/assignment-and-tasks.js';
import type { Scheduler } from '../window/scheduler.js';
import type { AttemptSettings } from './attempt-options.js';
import { RateMeter } from '@orders-pipeline/clock';

const INTERVAL_MS = 1_000;
const RATE_INTERVALS = 10;

/** The record that blocks a partition's commit. */
interface StalledRecord {
  readonly task: Task;
  /** When it became the oldest unfinished record, in ms since 1970. Time spent waiting behind its key before does not count. */
  readonly since: number;
  warnings: number;
}

/** Checks once a second what no event reports: attempts beyond their time limit, stalled records, and the rate. */
export class Watchdog {
  readonly rate = new RateMeter(RATE_INTERVALS);
  private readonly stalled = new Map<Assignment, StalledRecord>();
  private cancel: (() => void) | undefined;

  constructor(
    private readonly options: AttemptSettings & RuntimeSettings,
    private readonly runner: TaskRunner,
    private readonly scheduler: Pick<Scheduler, 'isPaused'>,
    private readonly assignments: () => Iterable<Assignment>,
    /** Called each second. */
    private readonly ticked: () => void,
  ) {}

  start(): void {
    this.check();
    this.ticked();
    this.cancel = this.options.clock.after(INTERVAL_MS, () => this.start());
  }

  stop(): void {
    this.cancel?.();
  }

  private check(): void {
    const now = this.options.clock.now();
    this.rate.read(now, this.runner.counts.finished);
    this.runner.enforceTimeLimit();
    this.runner.deadLetters.checkProgress();
    // While the consumer is suspended, every record is late through no fault of its own. Afterwards all periods start again.
    if (this.runner.suspension.since !== undefined) return this.stalled.clear();
    const assignments = new Set(this.assignments());
    for (const revoked of this.stalled.keys()) if (!assignments.has(revoked)) this.stalled.delete(revoked);
    for (const assignment of assignments) this.checkOldest(assignment, now);
  }

  private checkOldest(assignment: Assignment, now: number): void {
    const { oldest } = assignment.tracker;
    let stalled = this.stalled.get(assignment);
    if (oldest === undefined) return;
    // It waits on purpose, and is late only from its resumption on.
    if (this.scheduler.isPaused(oldest)) return void this.stalled.delete(assignment);
    if (stalled?.task !== oldest) {
      stalled = { task: oldest, since: now, warnings: 0 };
      this.stalled.set(assignment, stalled);
    }
    const { stalledRecordWarnMs, stalledRecordDeadLetterMs, logger } = this.options;
    const blockedMs = now - stalled.since;
    if (
      stalledRecordDeadLetterMs !== undefined &&
      blockedMs >= stalledRecordDeadLetterMs &&
      oldest.deadLetterCause === undefined
    )
      return this.runner.forceDeadLetter(
        oldest,
        new StalledRecordError(`the record blocked its partition's commit for ${blockedMs} ms`),
      );
    if (blockedMs < stalledRecordWarnMs * (stalled.warnings + 1)) return;
    stalled.warnings += 1;
    const { topic, partition, offset, key } = oldest.record;
    logger.warn(
      { topic, partition, offset, key: key?.toString() ?? null, blockedMs, attempt: oldest.failedAttempts + 1 },
      'a stalled record blocks the commit of its partition',
    );
  }
}
