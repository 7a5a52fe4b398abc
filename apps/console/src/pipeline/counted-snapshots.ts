import type { SeenConsumer, PipelineSnapshot } from './pipeline-snapshots.js';
import type { CountedSnapshot } from './pipeline-figures.js';

/** What rates are of. Less would show each batch of a second, more would hide what a scaling did. */
const WINDOW_MS = 5_000;

/**
 * Counts on from look to look. Each consumer counts what it has saved since it started, so one that comes brings all of its count, one that
 * goes keeps what was seen of it, and a rate over the time of a scaling is right.
 */
export class CountedSnapshots {
  private looks: readonly CountedSnapshot[] = [];
  /** What each consumer had saved when it was last seen. */
  private readonly seen = new Map<string, number>();
  private saved = 0;

  /** @returns the looks of the last seconds, this one at their end */
  add(look: PipelineSnapshot): readonly CountedSnapshot[] {
    const produced = look.ends && [...look.ends.values()].reduce((sum, end) => sum + end, 0);
    const counted = { ...look, produced, saved: look.consumers && this.count(look.consumers) };
    this.looks = [...this.looks.filter(({ at }) => look.at - at <= WINDOW_MS), counted];
    return this.looks;
  }

  private count(consumers: readonly SeenConsumer[]): number {
    const isFirst = this.seen.size === 0 && this.looks.every((look) => look.consumers === null);
    for (const { _id, finished, deadLettered } of consumers) {
      const total = finished - deadLettered;
      // At the first look nobody knows since when; afterwards who is new began between two looks.
      const before = this.seen.get(_id) ?? (isFirst ? total : 0);
      this.saved += Math.max(0, total - before);
      this.seen.set(_id, total);
    }
    return this.saved;
  }
}
