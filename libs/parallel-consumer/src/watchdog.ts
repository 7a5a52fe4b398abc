import { StalledRecordError } from './attempts/running-attempt.js';
import type { TaskRunner } from './attempts/task-runner.js';
import type { Assignment, Task } from './assignment.js';
import type { ResolvedOptions } from './options.js';
import { RateMeter } from './rate-meter.js';

const EVERY_MS = 1_000;
const RATE_OVER = 10;

/** The record that holds a partition's commit back, as long as it does. */
interface Holder {
  readonly task: Task;
  /** Milliseconds since 1970; what it waited before, behind its key, is not its own doing. */
  readonly since: number;
  warnings: number;
}

/** Looks once a second after what no event tells: attempts past their time, records that hold commits back, the rate. */
export class Watchdog {
  readonly rate = new RateMeter(RATE_OVER);
  private readonly holders = new Map<Assignment, Holder>();
  private cancel: (() => void) | undefined;

  constructor(
    private readonly options: ResolvedOptions,
    private readonly runner: TaskRunner,
    private readonly assignments: () => Iterable<Assignment>,
    /** Called each second. */
    private readonly ticked: () => void,
  ) {}

  start(): void {
    this.look();
    this.ticked();
    this.cancel = this.options.clock.after(EVERY_MS, () => this.start());
  }

  stop(): void {
    this.cancel?.();
  }

  private look(): void {
    const now = this.options.clock.now();
    this.rate.read(now, this.runner.counts.finished);
    this.runner.enforceTimeLimit();
    // While the environment is away every record is late, and none is to blame; after that all have their time again.
    if (this.runner.suspendedSince !== undefined) return this.holders.clear();
    const assignments = new Set(this.assignments());
    for (const gone of this.holders.keys()) if (!assignments.has(gone)) this.holders.delete(gone);
    for (const assignment of assignments) this.lookAtHolder(assignment, now);
  }

  private lookAtHolder(assignment: Assignment, now: number): void {
    const { oldest } = assignment.tracker;
    let holder = this.holders.get(assignment);
    if (oldest === undefined) return;
    if (holder?.task !== oldest) {
      holder = { task: oldest, since: now, warnings: 0 };
      this.holders.set(assignment, holder);
    }
    const { stalledRecordWarnMs, stalledRecordDeadLetterMs, logger } = this.options;
    const heldMs = now - holder.since;
    if (stalledRecordDeadLetterMs !== undefined && heldMs >= stalledRecordDeadLetterMs && oldest.givenUp === undefined)
      return this.runner.giveUp(oldest, new StalledRecordError(`held the commit back for ${heldMs} ms`));
    if (heldMs < stalledRecordWarnMs * (holder.warnings + 1)) return;
    holder.warnings += 1;
    const { topic, partition, offset, key } = oldest.record;
    logger.warn(
      { topic, partition, offset, key: key?.toString() ?? null, heldMs, attempt: oldest.failedAttempts + 1 },
      'a record holds the commit of its partition back',
    );
  }
}
