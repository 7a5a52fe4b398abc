import { succeededWithin } from '../clock.js';
import { MetadataRefusedError, type Broker } from '../kafka/broker.js';
import type { ResolvedOptions } from '../options.js';
import type { Position } from '../record.js';
import type { Assignment } from '../assignment.js';
import { encodeCompletedOffsets } from './completed-offsets.js';

/** Commits that hang are given up after this; the next one carries the same offsets, or later ones. */
const PATIENCE_MS = 3_000;
/** So many rounds apart everything is committed anew: one that was given up can arrive after a later one. */
const ALL_EVERY = 50;

/**
 * Commits the tracker of every partition that is ours, every so often and when told to, with a map of what is finished
 * beyond it. Only contiguous positions are ever committed, so that one which comes late, or to a partition meanwhile lost,
 * can repeat records but never skip one; a late map tells nothing false either, since what is finished stays finished.
 */
export class Committer {
  private cancel: (() => void) | undefined;
  private withMap: boolean;
  private round = 0;

  constructor(
    private readonly options: ResolvedOptions,
    private readonly broker: Broker,
    private readonly assignments: () => Iterable<Assignment>,
  ) {
    this.withMap = options.commitCompletedOffsets;
  }

  /** Commits every `commitIntervalMs` from now on. */
  resume(): void {
    if (this.cancel === undefined) this.schedule();
  }

  /** No further timed commits until `resume`. */
  hold(): void {
    this.cancel?.();
    this.cancel = undefined;
  }

  /** A failed commit costs repeats after a crash, never a record. */
  async commit(): Promise<void> {
    this.round += 1;
    const all = this.round % ALL_EVERY === 0;
    const dirty = [...this.assignments()].filter((each) => each.mayCommit && (all || each.isDirty(this.withMap)));
    if (dirty.length === 0) return;
    const changes = dirty.map(({ tracker }) => tracker.changes);
    const positions = dirty.map((assignment) => this.positionOf(assignment));
    const { clock, logger, observer } = this.options;
    const startedAt = clock.now();
    try {
      const committed = await succeededWithin(clock, PATIENCE_MS, this.broker.commit(positions));
      if (!committed) throw new Error(`no answer within ${PATIENCE_MS} ms`);
      for (const [index, assignment] of dirty.entries())
        assignment.committed(positions[index]?.offset ?? 0, changes[index] ?? 0);
      observer?.committed?.(true, clock.now() - startedAt);
    } catch (error) {
      observer?.committed?.(false, clock.now() - startedAt);
      if (error instanceof MetadataRefusedError && this.withMap) {
        this.withMap = false;
        logger.warn(
          { reason: error.message },
          'the broker takes no map of finished records: plain commits from now on',
        );
        return this.commit();
      }
      logger.warn({ reason: String(error) }, 'offsets not committed: trying again with the next commit');
    }
  }

  private positionOf({ topic, partition, tracker, epochs, logId }: Assignment): Position {
    const offset = tracker.committable;
    const leaderEpoch = epochs.at(offset - 1);
    return {
      topic,
      partition,
      offset,
      ...(leaderEpoch !== undefined && { leaderEpoch }),
      ...(this.withMap && { metadata: encodeCompletedOffsets(logId, offset, tracker.finishedBeyond()) }),
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
    // Held, or held and resumed, while the commit was on its way: then this round is over.
    if (this.cancel === mine) this.schedule();
  }
}
