import type { CommitSettings } from './commit-options.js';
import type { RuntimeSettings } from '../events/runtime-options.js';
import { succeededWithin } from '@orders-pipeline/clock';
import { MetadataRejectedError, PartitionsRejectedError, type Broker } from '../broker/broker.js';
import { LogThrottle } from '../events/log-throttle.js';
import { errorDetails } from '../failures/failure.js';
import type { Position } from '../records/record.js';
import type { Assignment } from '../partition/assignment-and-tasks.js';
import { encodeCompletedOffsets } from './completed-offsets.js';

/** Timeout of one commit. The next commit contains the same or later offsets. */
const TIMEOUT_MS = 3_000;
/** Every 50th round commits all partitions again: a commit that timed out can arrive after a later one. */
const FULL_COMMIT_EVERY = 50;
const REJECTED_LOG_INTERVAL_MS = 60_000;

/**
 * Commits the offset of every assigned partition, at an interval and on request, with its completed offsets beyond that offset.
 * All records below a committed offset are complete. So a commit that arrives late, or after a revocation, can repeat records but
 * never skip one. Its completed offsets stay correct, because completed records stay complete, and their leader epochs distinguish them from
 * records that replace them after a truncation.
 */
export class Committer {
  private cancel: (() => void) | undefined;
  private withCompletedOffsets: boolean;
  private round = 0;
  private readonly rejectedLog: LogThrottle;

  constructor(
    private readonly options: CommitSettings & RuntimeSettings,
    private readonly broker: Broker,
    private readonly assignments: () => Iterable<Assignment>,
  ) {
    this.withCompletedOffsets = options.commitCompletedOffsets;
    this.rejectedLog = new LogThrottle(options.clock, REJECTED_LOG_INTERVAL_MS);
  }

  /** Starts timed commits, one every `commitIntervalMs`. */
  resume(): void {
    if (this.cancel === undefined) this.schedule();
  }

  /** Stops timed commits until `resume`. */
  pause(): void {
    this.cancel?.();
    this.cancel = undefined;
  }

  /** Whether an offset is not committed, such as after a commit that failed. Not one that the coordinator rejects, as for a deleted topic. */
  get hasUncommitted(): boolean {
    return [...this.assignments()].some((each) => each.mayCommit && each.isDirty(this.withCompletedOffsets));
  }

  /** Commits all partitions that changed. Never rejects: a failed commit causes repeats after a crash, but no loss. */
  async commit(): Promise<void> {
    this.round += 1;
    const all = this.round % FULL_COMMIT_EVERY === 0;
    const dirty = [...this.assignments()].filter(
      (each) => each.mayCommit && (all || each.isDirty(this.withCompletedOffsets)),
    );
    if (dirty.length === 0) return;
    const changes = dirty.map(({ tracker }) => tracker.changes);
    const positions = dirty.map((assignment) => this.toPosition(assignment));
    const { clock, logger, observer } = this.options;
    const startedAt = clock.now();
    try {
      const isComplete = await this.send(positions);
      // Also of rejected partitions: they are committed again when they change, and in each full round.
      for (const [index, assignment] of dirty.entries())
        assignment.committed(positions[index]?.offset ?? 0, changes[index] ?? 0);
      observer?.committed?.(isComplete, clock.now() - startedAt);
    } catch (error) {
      observer?.committed?.(false, clock.now() - startedAt);
      if (error instanceof MetadataRejectedError && this.withCompletedOffsets) {
        this.withCompletedOffsets = false;
        logger.warn(
          { reason: error.message },
          'broker rejected the completed offsets in the commit metadata: committing without them',
        );
        return this.commit();
      }
      logger.warn(errorDetails(error), 'offsets not committed: retrying with the next commit');
    }
  }

  /** Sends a commit. @returns false when the coordinator rejected some partitions, such as those of a deleted topic. @throws when it may have committed none */
  private async send(positions: readonly Position[]): Promise<boolean> {
    const { clock, logger } = this.options;
    try {
      const committed = await succeededWithin(clock, TIMEOUT_MS, this.broker.commit(positions));
      if (!committed) throw new Error(`no response within ${TIMEOUT_MS} ms`);
      return true;
    } catch (error) {
      if (!(error instanceof PartitionsRejectedError)) throw error;
      if (this.rejectedLog.next() !== undefined)
        logger.warn(errorDetails(error), 'offsets of some partitions not committed: retrying later');
      return false;
    }
  }

  private toPosition({ topic, partition, tracker, epochs, logId }: Assignment): Position {
    const offset = tracker.committable;
    const leaderEpoch = epochs.at(offset - 1);
    return {
      topic,
      partition,
      offset,
      ...(leaderEpoch !== undefined && { leaderEpoch }),
      ...(this.withCompletedOffsets && {
        metadata: encodeCompletedOffsets(logId, offset, tracker.completedBeyond(), epochs.from(offset)),
      }),
    };
  }

  private schedule(): void {
    const cancel = this.options.clock.after(this.options.commitIntervalMs, () => {
      void this.commitThenSchedule(cancel);
    });
    this.cancel = cancel;
  }

  private async commitThenSchedule(mine: () => void): Promise<void> {
    await this.commit();
    // `pause`, or `pause` and `resume`, may have been called during the commit: then this timer is obsolete.
    if (this.cancel === mine) this.schedule();
  }
}
