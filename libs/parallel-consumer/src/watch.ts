import { FrontierHeldError } from './attempts/running-attempt.js';
import type { TaskRunner } from './attempts/task-runner.js';
import type { Assignment } from './offsets/assignment.js';
import type { ResolvedOptions } from './options.js';
import { RateMeter } from './rate-meter.js';

const EVERY_MS = 1_000;
const RATE_OVER = 10;

/** Looks once a second after what no event tells: attempts past their time, records that hold commits back, the rate. */
export class Watch {
  readonly rate = new RateMeter(RATE_OVER);
  private readonly warnedAt = new Map<Assignment, number>();
  private cancel: (() => void) | undefined;

  constructor(
    private readonly options: ResolvedOptions,
    private readonly runner: TaskRunner,
    private readonly assignments: () => Iterable<Assignment>,
  ) {}

  start(): void {
    this.look();
    this.cancel = this.options.clock.after(EVERY_MS, () => this.start());
  }

  stop(): void {
    this.cancel?.();
  }

  private look(): void {
    const now = this.options.clock.now();
    this.rate.read(now, this.runner.counts.finished);
    this.runner.enforceTimeLimit();
    const assignments = new Set(this.assignments());
    for (const gone of this.warnedAt.keys()) if (!assignments.has(gone)) this.warnedAt.delete(gone);
    // While the environment is away every record is old, and none is to blame.
    if (this.runner.suspendedSince !== undefined) return;
    for (const assignment of assignments) this.lookAtHolder(assignment, now);
  }

  private lookAtHolder(assignment: Assignment, now: number): void {
    const holder = assignment.frontier.oldest;
    if (holder === undefined) return;
    const { holderWarnMs, holderDeadLetterMs, logger } = this.options;
    const ageMs = now - holder.takenAt;
    const { topic, partition, offset, key } = holder.record;
    if (holderDeadLetterMs !== undefined && ageMs >= holderDeadLetterMs && holder.givenUp === undefined)
      return this.runner.giveUp(holder, new FrontierHeldError(`held the commit back for ${ageMs} ms`));
    const warnedAt = this.warnedAt.get(assignment);
    if (ageMs < holderWarnMs || (warnedAt !== undefined && now - warnedAt < holderWarnMs)) return;
    this.warnedAt.set(assignment, now);
    logger.warn(
      { topic, partition, offset, key: key?.toString() ?? null, ageMs, attempt: holder.failedAttempts + 1 },
      'a record holds the commit of its partition back',
    );
  }
}
