import { describe, expect, it } from '@jest/globals';
import { SimulatedRun } from './testing/simulated-run.js';

describe('pipeline changes', () => {
  it('reports none while the configuration stays the same', () => {
    expect(new SimulatedRun().seconds(30, { consumers: 2 }).changes.list()).toEqual([]);
  });

  it('reports a scaling at once, and its verdict some seconds after the pipeline has settled', () => {
    const run = new SimulatedRun().seconds(12, { consumers: 1 }).seconds(2, { consumers: 2 });
    expect(run.changes.list()).toMatchObject([
      { kind: 'scaling', from: { consumers: 1, inFlight: 1_000 }, to: { consumers: 2 }, before: 2_000, verdict: null },
    ]);
    run.seconds(11, { consumers: 2, each: 1_900 });
    expect(run.changes.list()).toMatchObject([
      { at: 13_000, after: 3_800, verdict: { outcome: 'faster', text: 'x1.90, helped' } },
    ]);
  });

  it('merges scalings that follow each other into one', () => {
    const run = new SimulatedRun().seconds(12, { consumers: 1 });
    for (const consumers of [2, 3, 4]) run.seconds(3, { consumers });
    run.seconds(12, { consumers: 4 });
    expect(run.changes.list()).toMatchObject([
      { from: { consumers: 1 }, to: { consumers: 4 }, verdict: { text: 'x4.00, helped' } },
    ]);
  });

  it('names the requested number of consumers from the first one on that starts or drains', () => {
    const run = new SimulatedRun().seconds(12, { consumers: 1 }).seconds(1, { consumers: 2 });
    expect(run.changes.list(3)).toMatchObject([{ from: { consumers: 1 }, to: { consumers: 3 } }]);
    for (const other of [null, 1, 2]) expect(run.changes.list(other)).toMatchObject([{ to: { consumers: 2 } }]);
    run.seconds(12, { consumers: 2 });
    expect(run.changes.list(3)).toMatchObject([{ to: { consumers: 2 }, verdict: { outcome: 'faster' } }]);
    run.seconds(1, { consumers: 1 });
    expect(run.changes.list(3)).toMatchObject([{}, { from: { consumers: 2 }, to: { consumers: 1 } }]);
  });

  it('reports a step back as a change of its own, so that no change is from a configuration to the same', () => {
    const run = new SimulatedRun()
      .seconds(12, { consumers: 1 })
      .seconds(9, { consumers: 3 })
      .seconds(4, { consumers: 1 });
    expect(run.changes.list()).toMatchObject([
      {
        from: { consumers: 1 },
        to: { consumers: 3 },
        after: null,
        verdict: { outcome: 'unknown', text: 'no verdict: changed again after 9 s' },
      },
      { from: { consumers: 3 }, to: { consumers: 1 }, before: 6_000, verdict: null },
    ]);
    run.seconds(9, { consumers: 1 });
    expect(run.changes.list()[1]?.verdict?.text).toBe('x0.33, slower, as expected with less capacity');
  });

  it('does not compare with a configuration that had not settled', () => {
    const run = new SimulatedRun()
      .seconds(12, { consumers: 1 })
      .seconds(4, { consumers: 3 })
      .seconds(20, { consumers: 1 });
    expect(run.changes.list()).toMatchObject([
      { verdict: { text: 'no verdict: changed again after 4 s' } },
      { from: { consumers: 3 }, to: { consumers: 1 }, before: null, verdict: { outcome: 'unknown' } },
    ]);
  });

  it('reports a second limit as a change of its own, and none while consumers still differ', () => {
    const run = new SimulatedRun();
    for (const inFlightSet of [1_000, 500, 1_000]) run.seconds(4, { consumers: 2, inFlightSet });
    expect(run.changes.list()).toMatchObject([
      { from: { inFlight: 1_000 }, to: { inFlight: 500 }, verdict: { text: 'no verdict: changed again after 4 s' } },
      { from: { inFlight: 500 }, to: { inFlight: 1_000 } },
    ]);
    const differing = new SimulatedRun().seconds(4, { consumers: 2 }).seconds(1, { consumers: 2, inFlightSet: null });
    expect(differing.changes.list()).toEqual([]);
    expect(differing.seconds(1, { consumers: 2, inFlightSet: 500 }).changes.list()).toMatchObject([
      { from: { inFlight: 1_000 }, to: { inFlight: 500 } },
    ]);
  });

  it('reports no scaling while the consumers of a new pipeline start one after another', () => {
    const run = new SimulatedRun().seconds(5, { consumers: 0 }).set('c0', 'starting', { partitions: [] });
    run.seconds(2, { consumers: 1 }).set('c1', 'starting', { partitions: [] }).seconds(1, { consumers: 2 });
    run.set('c0', null).set('c1', null).seconds(20, { consumers: 4 });
    expect(run.changes.list()).toEqual([]);
    run.seconds(1, { consumers: 3 });
    expect(run.changes.list()).toMatchObject([{ from: { consumers: 4 }, to: { consumers: 3 } }]);
  });

  it('judges a change of the in-flight limit, and reports none for an automatic limit', () => {
    const run = new SimulatedRun()
      .seconds(12, { consumers: 1 })
      .seconds(12, { consumers: 1, inFlightSet: 500, each: 1_000 });
    expect(run.changes.list()).toMatchObject([
      {
        from: { inFlight: 1_000 },
        to: { inFlight: 500 },
        verdict: { outcome: 'slower', text: 'x0.50, slower, as expected with less capacity' },
      },
    ]);
    expect(new SimulatedRun().seconds(30, { consumers: 1, inFlightSet: 'auto' }).changes.list()).toEqual([]);
  });

  it('reports rebalances, except those that a scaling causes', () => {
    const run = new SimulatedRun().seconds(5, { consumers: 2 }).rebalance().seconds(3, { consumers: 2 });
    expect(run.changes.list()).toMatchObject([{ kind: 'rebalance', at: 6_000, verdict: null }]);
    run.seconds(12, { consumers: 3 }).rebalance().seconds(3, { consumers: 3 });
    const kinds = run.changes.list().map(({ kind }) => kind);
    expect(kinds).toEqual(['rebalance', 'scaling', 'rebalance']);
    const young = new SimulatedRun().seconds(9, { consumers: 2 }).seconds(2, { consumers: 3 }).rebalance();
    expect(young.seconds(3, { consumers: 3 }).changes.list()).toHaveLength(1);
  });

  it('returns the verdict `unknown`, and no rates, when there is too little work', () => {
    const run = new SimulatedRun().seconds(12, { consumers: 1, lag: 500 }).seconds(13, { consumers: 2, lag: 500 });
    expect(run.changes.list()[0]).toMatchObject({
      before: null,
      after: null,
      verdict: { outcome: 'unknown', text: expect.stringMatching(/before the change there was too little/) },
    });
  });

  it('uses the seconds until the backlog ends, if they are at least four', () => {
    const run = new SimulatedRun().seconds(12, { consumers: 3, each: 4_000 }).seconds(9, { consumers: 1, each: 4_000 });
    run.seconds(1, { consumers: 1, each: 100, lag: 0 });
    expect(run.changes.list()).toMatchObject([{ before: 12_000, after: 4_000, verdict: { outcome: 'slower' } }]);
  });

  it('has no rate of afterwards when the backlog ends sooner, and says why', () => {
    const run = new SimulatedRun().seconds(12, { consumers: 3 }).seconds(6, { consumers: 1 });
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
    const run = new SimulatedRun().seconds(12, { consumers: 3 }).set('c1', 'draining').set('c2', 'draining');
    run.seconds(3, { consumers: 3, each: 100 }).set('c1', null).set('c2', null).seconds(13, { consumers: 1 });
    expect(run.changes.list()).toMatchObject([
      { at: 13_000, from: { consumers: 3 }, to: { consumers: 1 }, before: 6_000, after: 2_000 },
    ]);
  });

  it('reports no change for an unknown snapshot', () => {
    const run = new SimulatedRun().seconds(12, { consumers: 2 }).unknown().unknown().seconds(3, { consumers: 2 });
    expect(run.changes.list()).toEqual([]);
  });

  it('compares only with the time since there is enough work', () => {
    const idle = { consumers: 1, each: 0, lag: 0 };
    const run = new SimulatedRun()
      .seconds(8, idle)
      .seconds(2, { consumers: 1, each: 700 })
      .seconds(4, { consumers: 1 });
    run.seconds(12, { consumers: 2 });
    expect(run.changes.list()[0]).toMatchObject({ before: 2_000, after: 4_000, verdict: { text: 'x2.00, helped' } });
    const early = new SimulatedRun().seconds(8, idle).seconds(3, { consumers: 1 }).seconds(12, { consumers: 2 });
    expect(early.changes.list()[0]?.verdict?.text).toMatch(/too little to save/);
  });

  it('stops measuring after a minute when the pipeline never settles', () => {
    const run = new SimulatedRun().seconds(12, { consumers: 1 });
    for (let turn = 0; turn < 20; turn += 1) run.seconds(4, { consumers: 2 }).rebalance();
    expect(run.changes.list()[0]?.verdict?.text).toMatch(/did not settle within a minute/);
  });

  it('keeps verdicts for an hour, and at most 50 changes', () => {
    const run = new SimulatedRun().seconds(12, { consumers: 1 }).seconds(3_590, { consumers: 2 });
    expect(run.changes.list()).toHaveLength(1);
    for (let turn = 0; turn < 60; turn += 1) run.rebalance().seconds(1, { consumers: 2 });
    const kinds = run.changes.list().map(({ kind }) => kind);
    expect(kinds).toEqual(Array.from({ length: 20 }, () => 'rebalance'));
  });
});
