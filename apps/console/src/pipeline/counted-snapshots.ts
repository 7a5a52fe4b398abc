import type { SeenConsumer, PipelineSnapshot } from './pipeline-snapshots.js';
import type { CountedSnapshot } from './pipeline-figures.js';

/** Window of the rates. A shorter one would show single batches, a longer one would hide the effect of a scaling. */
const WINDOW_MS = 5_000;

/**
 * Keeps running totals over snapshots. Each consumer reports what it has saved since its start. The whole count of a new consumer is added,
 * and that of a consumer that has gone is kept, so that rates are correct across a scaling.
 */
export class CountedSnapshots {
  private snapshots: readonly CountedSnapshot[] = [];
  /** How many orders each consumer had saved in the last snapshot that contained it. */
  private readonly savedBy = new Map<string, number>();
  private saved = 0;

  /** @returns the snapshots of the last five seconds, this one last */
  add(snapshot: PipelineSnapshot): readonly CountedSnapshot[] {
    const produced = snapshot.ends && [...snapshot.ends.values()].reduce((sum, end) => sum + end, 0);
    const counted = { ...snapshot, produced, saved: snapshot.consumers && this.count(snapshot.consumers) };
    this.snapshots = [...this.snapshots.filter(({ at }) => snapshot.at - at <= WINDOW_MS), counted];
    return this.snapshots;
  }

  private count(consumers: readonly SeenConsumer[]): number {
    const isFirst = this.savedBy.size === 0 && this.snapshots.every((snapshot) => snapshot.consumers === null);
    for (const { _id, finished, deadLettered } of consumers) {
      const total = finished - deadLettered;
      // In the first snapshot the starting point is unknown; later, a new consumer started between two snapshots.
      const before = this.savedBy.get(_id) ?? (isFirst ? total : 0);
      this.saved += Math.max(0, total - before);
      this.savedBy.set(_id, total);
    }
    return this.saved;
  }
}
