import type { WatchedConsumer, WatchedSnapshot } from '../consumers/consumer-watch.js';

/** A snapshot with running totals of produced and saved records. The starting point of the totals is arbitrary. */
export interface CountedSnapshot extends WatchedSnapshot {
  readonly produced: number | null;
  readonly saved: number | null;
  /** How many orders each consumer has saved since its start, by id. */
  readonly savedBy: ReadonlyMap<string, number>;
}

/** Window of all rates, of the whole pipeline and of each consumer. A shorter one would show single batches, a longer one would hide the effect of a scaling. */
const WINDOW_MS = 5_000;
/** A consumer that is silent for this long is forgotten; it would then count as new. */
const FORGOTTEN_AFTER_MS = 3_600_000;

interface Count {
  readonly total: number;
  readonly seenAt: number;
}

/**
 * Keeps running totals over snapshots. Each consumer reports what it has saved since its start. The whole count of a new consumer is added,
 * and that of a consumer that has gone is kept, so that rates are correct across a scaling.
 */
export class CountedSnapshots {
  private snapshots: readonly CountedSnapshot[] = [];
  private readonly counts = new Map<string, Count>();
  private saved = 0;
  private hasBaseline = false;

  /** @returns the snapshots of the last five seconds, this one last */
  add(snapshot: WatchedSnapshot): readonly CountedSnapshot[] {
    const { at, ends, consumers } = snapshot;
    const produced = ends && [...ends.values()].reduce((sum, end) => sum + end, 0);
    const saved = consumers && this.count(consumers, at);
    const savedBy = new Map(consumers?.map((each) => [each._id, savedOf(each)]));
    this.snapshots = [
      ...this.snapshots.filter((each) => at - each.at <= WINDOW_MS),
      { ...snapshot, produced, saved, savedBy },
    ];
    return this.snapshots;
  }

  private count(consumers: readonly WatchedConsumer[], at: number): number {
    for (const consumer of consumers) {
      const total = savedOf(consumer);
      // In the first snapshot the starting point is unknown; later, a new consumer started between two snapshots.
      const before = this.counts.get(consumer._id)?.total ?? (this.hasBaseline ? 0 : total);
      this.saved += Math.max(0, total - before);
      this.counts.set(consumer._id, { total, seenAt: at });
    }
    this.hasBaseline = true;
    for (const [id, { seenAt }] of this.counts) if (at - seenAt > FORGOTTEN_AFTER_MS) this.counts.delete(id);
    return this.saved;
  }
}

function savedOf({ finished, deadLettered }: WatchedConsumer): number {
  return finished - deadLettered;
}
