import { describe, expect, it } from '@jest/globals';
import type { ConsumerProgress, Observation } from './observation.js';
import { PipelineChanges } from './pipeline-changes.js';

/** Simulates consumers that each save a fixed number of orders per second, observed once a second. */
class Run {
  readonly changes = new PipelineChanges();
  private second = 0;
  private readonly progress = new Map<string, ConsumerProgress>();

  seconds(count: number, set: { consumers: number; each?: number; inFlightSet?: number | 'auto'; lag?: number }): this {
    for (let second = 0; second < count; second += 1) this.observe(set);
    return this;
  }

  unknown(): this {
    this.second += 1;
    this.changes.add(undefined);
    return this;
  }

  rebalance(): this {
    for (const [id, progress] of this.progress)
      this.progress.set(id, { ...progress, rebalances: progress.rebalances + 1 });
    return this;
  }

  private observe({
    consumers,
    each = 2_000,
    inFlightSet = 1_000,
    lag = 100_000,
  }: {
    consumers: number;
    each?: number;
    inFlightSet?: number | 'auto';
    lag?: number;
  }): void {
    this.second += 1;
    const ids = Array.from({ length: consumers }, (_, index) => `c${index}`);
    for (const id of this.progress.keys()) if (!ids.includes(id)) this.progress.delete(id);
    for (const id of ids) {
      const { saved, rebalances } = this.progress.get(id) ?? { saved: 0, rebalances: 1 };
      this.progress.set(id, {
        at: this.second * 1_000,
        saved: saved + each,
        cpuSeconds: this.second * 0.2,
        rebalances,
      });
    }
    const inFlightLimit = consumers * (inFlightSet === 'auto' ? 5_000 : inFlightSet);
    const observation: Observation = {
      at: this.second * 1_000,
      consumers,
      partitions: 12,
      inFlight: Math.min(lag, inFlightLimit),
      inFlightLimit,
      lagRecords: lag,
      inFlightSet,
      progress: new Map(this.progress),
      machineLoad: 0.5,
    };
    this.changes.add(observation);
  }
}

describe('pipeline changes', () => {
  it('reports none while the configuration stays the same', () => {
    expect(new Run().seconds(30, { consumers: 2 }).changes.list()).toEqual([]);
  });

  it('reports a scaling at once, and its verdict some seconds after the pipeline has settled', () => {
    const run = new Run().seconds(12, { consumers: 1 }).seconds(2, { consumers: 2 });
    expect(run.changes.list()).toMatchObject([
      { kind: 'scaling', from: { consumers: 1, inFlight: 1_000 }, to: { consumers: 2 }, before: 2_000, verdict: null },
    ]);
    run.seconds(11, { consumers: 2, each: 1_900 });
    expect(run.changes.list()).toMatchObject([
      { secondsAgo: 12, after: 3_800, verdict: { outcome: 'faster', text: 'x1.90, helped' } },
    ]);
  });

  it('merges scalings that follow each other into one', () => {
    const run = new Run().seconds(12, { consumers: 1 });
    for (const consumers of [2, 3, 4]) run.seconds(3, { consumers });
    run.seconds(12, { consumers: 4 });
    expect(run.changes.list()).toMatchObject([
      { from: { consumers: 1 }, to: { consumers: 4 }, verdict: { text: 'x4.00, helped' } },
    ]);
  });

  it('judges a change of the in-flight limit, and reports none for an automatic limit', () => {
    const run = new Run().seconds(12, { consumers: 1 }).seconds(12, { consumers: 1, inFlightSet: 500, each: 1_000 });
    expect(run.changes.list()).toMatchObject([
      {
        from: { inFlight: 1_000 },
        to: { inFlight: 500 },
        verdict: { outcome: 'slower', text: 'x0.50, slower, as expected with less capacity' },
      },
    ]);
    expect(new Run().seconds(30, { consumers: 1, inFlightSet: 'auto' }).changes.list()).toEqual([]);
  });

  it('reports rebalances, except those that a scaling causes', () => {
    const run = new Run().seconds(5, { consumers: 2 }).rebalance().seconds(3, { consumers: 2 });
    expect(run.changes.list()).toMatchObject([{ kind: 'rebalance', secondsAgo: 2, verdict: null }]);
    run.seconds(12, { consumers: 3 }).rebalance().seconds(3, { consumers: 3 });
    const kinds = run.changes.list().map(({ kind }) => kind);
    expect(kinds).toEqual(['rebalance', 'scaling', 'rebalance']);
    const young = new Run().seconds(9, { consumers: 2 }).seconds(2, { consumers: 3 }).rebalance();
    expect(young.seconds(3, { consumers: 3 }).changes.list()).toHaveLength(1);
  });

  it('returns the verdict `unknown` when there is too little work', () => {
    const run = new Run().seconds(12, { consumers: 1, lag: 500 }).seconds(12, { consumers: 2, lag: 500 });
    expect(run.changes.list()[0]?.verdict).toMatchObject({ outcome: 'unknown' });
  });

  it('reports no change for an unknown snapshot', () => {
    const run = new Run().seconds(12, { consumers: 2 }).unknown().unknown().seconds(3, { consumers: 2 });
    expect(run.changes.list()).toEqual([]);
  });

  it('compares only with the time since there is enough work', () => {
    const idle = { consumers: 1, each: 0, lag: 0 };
    const run = new Run().seconds(8, idle).seconds(2, { consumers: 1, each: 700 }).seconds(4, { consumers: 1 });
    run.seconds(12, { consumers: 2 });
    expect(run.changes.list()[0]).toMatchObject({ before: 2_000, after: 4_000, verdict: { text: 'x2.00, helped' } });
    const early = new Run().seconds(8, idle).seconds(3, { consumers: 1 }).seconds(12, { consumers: 2 });
    expect(early.changes.list()[0]?.verdict?.text).toMatch(/too little to save before/);
  });

  it('stops measuring after a minute when the pipeline never settles', () => {
    const run = new Run().seconds(12, { consumers: 1 });
    for (let turn = 0; turn < 20; turn += 1) run.seconds(4, { consumers: 2 + (turn % 2) });
    expect(run.changes.list()[0]?.verdict?.text).toBe('The pipeline did not settle within a minute.');
  });
});
