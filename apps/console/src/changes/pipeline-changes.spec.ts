import { describe, expect, it } from '@jest/globals';
import type { ConsumerState } from '../consumers/consumer-state.js';
import type { ConsumerProgress, Observation, ObservedConsumer } from './observation.js';
import { PipelineChanges } from './pipeline-changes.js';

interface Second {
  readonly consumers: number;
  readonly each?: number;
  readonly inFlightSet?: number | 'auto';
  readonly lag?: number;
}

/** Simulates consumers that each save a fixed number of orders per second, observed once a second. Partition n belongs to consumer n. */
class Run {
  readonly changes = new PipelineChanges();
  private second = 0;
  private readonly progress = new Map<string, ConsumerProgress>();
  /** Consumers beside the numbered ones, and those whose state differs. */
  private readonly others = new Map<string, ObservedConsumer>();

  seconds(count: number, set: Second): this {
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

  /** Sets what the following observations say about one consumer; `null`: nothing special. */
  set(id: string, state: ConsumerState | null, others: Partial<ObservedConsumer> = {}): this {
    if (state === null) this.others.delete(id);
    else this.others.set(id, { name: id, state, partitions: [Number(id.slice(1))], ...others });
    return this;
  }

  private observe({ consumers: count, each = 2_000, inFlightSet = 1_000, lag = 100_000 }: Second): void {
    this.second += 1;
    const consumers = new Map<string, ObservedConsumer>(
      Array.from({ length: count }, (_, n) => [`c${n}`, { name: `c${n}`, state: 'ready', partitions: [n] }] as const),
    );
    for (const [id, consumer] of this.others) consumers.set(id, consumer);
    const alive = [...consumers].filter(([, { state }]) => state !== 'dead').map(([id]) => id);
    for (const id of this.progress.keys()) if (!alive.includes(id)) this.progress.delete(id);
    for (const id of alive) {
      const { saved, rebalances } = this.progress.get(id) ?? { saved: 0, rebalances: 1 };
      const cpuSeconds = this.second * 0.2;
      this.progress.set(id, { at: this.second * 1_000, saved: saved + each, cpuSeconds, rebalances });
    }
    const inFlightLimit = alive.length * (inFlightSet === 'auto' ? 5_000 : inFlightSet);
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
      { at: 13_000, after: 3_800, verdict: { outcome: 'faster', text: 'x1.90, helped' } },
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

  it('reports no scaling while the consumers of a new pipeline start one after another', () => {
    const run = new Run().seconds(5, { consumers: 0 }).set('c0', 'starting', { partitions: [] });
    run.seconds(2, { consumers: 1 }).set('c1', 'starting', { partitions: [] }).seconds(1, { consumers: 2 });
    run.set('c0', null).set('c1', null).seconds(20, { consumers: 4 });
    expect(run.changes.list()).toEqual([]);
    run.seconds(1, { consumers: 3 });
    expect(run.changes.list()).toMatchObject([{ from: { consumers: 4 }, to: { consumers: 3 } }]);
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
    expect(run.changes.list()).toMatchObject([{ kind: 'rebalance', at: 6_000, verdict: null }]);
    run.seconds(12, { consumers: 3 }).rebalance().seconds(3, { consumers: 3 });
    const kinds = run.changes.list().map(({ kind }) => kind);
    expect(kinds).toEqual(['rebalance', 'scaling', 'rebalance']);
    const young = new Run().seconds(9, { consumers: 2 }).seconds(2, { consumers: 3 }).rebalance();
    expect(young.seconds(3, { consumers: 3 }).changes.list()).toHaveLength(1);
  });

  it('returns the verdict `unknown`, and no rates, when there is too little work', () => {
    const run = new Run().seconds(12, { consumers: 1, lag: 500 }).seconds(13, { consumers: 2, lag: 500 });
    expect(run.changes.list()[0]).toMatchObject({
      before: null,
      after: null,
      verdict: { outcome: 'unknown', text: expect.stringMatching(/before the change there was too little/) },
    });
  });

  it('uses the seconds until the backlog ends, if they are at least four', () => {
    const run = new Run().seconds(12, { consumers: 3, each: 4_000 }).seconds(9, { consumers: 1, each: 4_000 });
    run.seconds(1, { consumers: 1, each: 100, lag: 0 });
    expect(run.changes.list()).toMatchObject([{ before: 12_000, after: 4_000, verdict: { outcome: 'slower' } }]);
  });

  it('has no rate of afterwards when the backlog ends sooner, and says why', () => {
    const run = new Run().seconds(12, { consumers: 3 }).seconds(6, { consumers: 1 });
    run.seconds(12, { consumers: 1, each: 20, lag: 0 });
    expect(run.changes.list()).toMatchObject([
      {
        before: 6_000,
        after: null,
        verdict: { text: 'no verdict: after the change the backlog lasted 2 s, a verdict needs 4 s' },
      },
    ]);
  });

  it('counts consumers that drain as gone, so that the drain is not measured as the time before', () => {
    const run = new Run().seconds(12, { consumers: 3 }).set('c1', 'draining').set('c2', 'draining');
    run.seconds(3, { consumers: 3, each: 100 }).set('c1', null).set('c2', null).seconds(13, { consumers: 1 });
    expect(run.changes.list()).toMatchObject([
      { at: 13_000, from: { consumers: 3 }, to: { consumers: 1 }, before: 6_000, after: 2_000 },
    ]);
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
    expect(early.changes.list()[0]?.verdict?.text).toMatch(/too little to save/);
  });

  it('stops measuring after a minute when the pipeline never settles', () => {
    const run = new Run().seconds(12, { consumers: 1 });
    for (let turn = 0; turn < 20; turn += 1) run.seconds(4, { consumers: 2 + (turn % 2) });
    expect(run.changes.list()[0]?.verdict?.text).toMatch(/did not settle within a minute/);
  });

  it('keeps verdicts for an hour, and at most 50 changes', () => {
    const run = new Run().seconds(12, { consumers: 1 }).seconds(3_590, { consumers: 2 });
    expect(run.changes.list()).toHaveLength(1);
    for (let turn = 0; turn < 60; turn += 1) run.rebalance().seconds(1, { consumers: 2 });
    const kinds = run.changes.list().map(({ kind }) => kind);
    expect(kinds).toEqual(Array.from({ length: 20 }, () => 'rebalance'));
  });
});

/** Consumer c2 of three dies; a new process replaces it two seconds later, and gets its partition after nine seconds. */
function crashed(before = new Run().seconds(12, { consumers: 3 })): Run {
  const run = before.set('c2', 'dead').seconds(2, { consumers: 3 });
  run.set('c9', 'rebalancing', { name: 'c2', partitions: [] });
  run.set('c0', 'rebalancing').set('c1', 'rebalancing').seconds(7, { consumers: 3, each: 0 });
  run
    .set('c0', null)
    .set('c1', null)
    .set('c9', 'ready', { name: 'c2', partitions: [2] });
  return run.rebalance().seconds(2, { consumers: 3 });
}

describe('a crash', () => {
  it('is one change: neither the replacement nor the rebalances are another', () => {
    const run = crashed();
    const crash = { consumer: 'c2', partitions: 1, reassignedAfterSeconds: 9, hasReturned: false };
    expect(run.changes.list()).toMatchObject([{ kind: 'crash', at: 13_000, crash, from: null, verdict: null }]);
    run.set('c2', null).seconds(60, { consumers: 2 });
    expect(run.changes.list()).toHaveLength(1);
  });

  it('disturbs the figures until some seconds after its partitions are assigned', () => {
    const run = crashed();
    expect(run.changes.isDisturbed(24_000)).toBe(true);
    run.seconds(6, { consumers: 3 });
    expect(run.changes.isDisturbed(30_000)).toBe(false);
  });

  it('delays the verdict that is due, which then compares with the replaced consumer', () => {
    const scaled = new Run().seconds(12, { consumers: 1 }).seconds(8, { consumers: 3 });
    const run = crashed(scaled);
    expect(run.changes.list()).toMatchObject([{ kind: 'scaling', verdict: null }, { kind: 'crash' }]);
    run.seconds(20, { consumers: 3 });
    expect(run.changes.list()).toMatchObject([
      { from: { consumers: 1 }, to: { consumers: 3 }, after: 6_000, verdict: { text: 'x3.00, helped' } },
      { kind: 'crash' },
    ]);
  });

  it('is the reason for no verdict when the pipeline does not settle', () => {
    const run = new Run().seconds(12, { consumers: 1 }).seconds(8, { consumers: 3 }).set('c2', 'dead');
    run.set('c0', 'rebalancing').seconds(60, { consumers: 3 });
    expect(run.changes.list()[0]?.verdict?.text).toMatch(/c2 died while the effect was being measured/);
  });

  it('of the only consumer changes neither the number nor the limit, and does not delay later verdicts for ever', () => {
    const run = new Run().seconds(12, { consumers: 1 }).set('c0', 'dead').seconds(90, { consumers: 1 });
    expect(run.changes.list()).toMatchObject([{ kind: 'crash', crash: { reassignedAfterSeconds: null } }]);
    expect(run.changes.isDisturbed(103_000)).toBe(false);
  });

  it('was none if the consumer sends heartbeats again', () => {
    const run = new Run().seconds(12, { consumers: 3 }).set('c2', 'dead').seconds(6, { consumers: 3 });
    run.set('c2', null).seconds(30, { consumers: 3 });
    expect(run.changes.list()).toMatchObject([{ kind: 'crash', crash: { hasReturned: true } }]);
  });
});
