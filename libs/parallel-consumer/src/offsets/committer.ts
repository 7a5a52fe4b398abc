import type { Assignment } from './assignment.js';
import type { Broker } from '../kafka/broker.js';
import { succeededWithin } from '../clock.js';
import type { ResolvedOptions } from '../options.js';

/** Commits that hang are given up after this; the next one carries the same offsets, or later ones. */
const PATIENCE_MS = 3_000;

/**
 * Commits the frontier of every partition that is ours, every so often and when told to. Only contiguous positions are
 * ever committed, so that one which comes late, or to a partition meanwhile lost, can repeat records but never skip one.
 */
export class Committer {
  private cancel: (() => void) | undefined;

  constructor(
    private readonly options: ResolvedOptions,
    private readonly broker: Broker,
    private readonly assignments: () => Iterable<Assignment>,
  ) {}

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
    const moved: { assignment: Assignment; offset: number }[] = [];
    for (const assignment of this.assignments()) {
      const offset = assignment.uncommitted;
      if (offset !== undefined) moved.push({ assignment, offset });
    }
    if (moved.length === 0) return;
    const positions = moved.map(({ assignment: { topic, partition }, offset }) => ({ topic, partition, offset }));
    try {
      const committed = await succeededWithin(this.options.clock, PATIENCE_MS, this.broker.commit(positions));
      if (!committed) throw new Error(`no answer within ${PATIENCE_MS} ms`);
      for (const { assignment, offset } of moved) assignment.committed = offset;
    } catch (error) {
      this.options.logger.warn({ reason: String(error) }, 'offsets not committed: trying again with the next commit');
    }
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
