import { describe, expect, it } from '@jest/globals';
import { SimulatedRun } from './testing/simulated-run.js';

/** Consumer c2 of three dies; a new process replaces it two seconds later, and gets its partition after nine seconds. */
function crashed(before = new SimulatedRun().seconds(12, { consumers: 3 })): SimulatedRun {
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

  it('begins with the last heartbeat, not when it is noticed', () => {
    const run = new SimulatedRun().seconds(12, { consumers: 3 }).set('c2', 'late').seconds(3, { consumers: 3 });
    run.set('c2', 'dead', { silentMs: 4_000 }).seconds(5, { consumers: 3 });
    run
      .set('c0', null, { partitions: [0] })
      .set('c1', 'ready', { partitions: [1, 2] })
      .seconds(1, { consumers: 3 });
    expect(run.changes.list()).toMatchObject([{ at: 12_000, crash: { reassignedAfterSeconds: 9 } }]);
  });

  it('does not change how many consumers are configured', () => {
    const run = new SimulatedRun();
    expect(run.changes.configuredConsumers).toBeNull();
    run.seconds(12, { consumers: 3 }).set('c2', 'dead').seconds(2, { consumers: 3 });
    expect(run.changes.configuredConsumers).toBe(3);
    run.set('c9', 'starting', { name: 'c2', partitions: [] }).seconds(2, { consumers: 3 });
    expect(run.changes.configuredConsumers).toBe(3);
    run.set('c9', 'draining').seconds(1, { consumers: 3 });
    expect(run.changes.configuredConsumers).toBe(2);
  });

  it('disturbs the figures until some seconds after its partitions are assigned', () => {
    const run = crashed();
    expect(run.changes.isDisturbed(24_000)).toBe(true);
    run.seconds(6, { consumers: 3 });
    expect(run.changes.isDisturbed(30_000)).toBe(false);
  });

  it('delays the verdict that is due, which then compares with the replaced consumer', () => {
    const scaled = new SimulatedRun().seconds(12, { consumers: 1 }).seconds(8, { consumers: 3 });
    const run = crashed(scaled);
    expect(run.changes.list()).toMatchObject([{ kind: 'scaling', verdict: null }, { kind: 'crash' }]);
    run.seconds(20, { consumers: 3 });
    expect(run.changes.list()).toMatchObject([
      {
        from: { consumers: 1 },
        to: { consumers: 3 },
        after: 6_000,
        verdict: { text: 'x3.00, helped; c2 died while it was being measured' },
      },
      { kind: 'crash' },
    ]);
  });

  it('leaves a verdict as it is, even if it was given a moment before', () => {
    const scaled = new SimulatedRun().seconds(12, { consumers: 1 });
    while (scaled.changes.list()[0]?.verdict?.text !== 'x3.00, helped') scaled.seconds(1, { consumers: 3 });
    const run = crashed(scaled);
    run.seconds(20, { consumers: 3 });
    expect(run.changes.list()).toMatchObject([{ verdict: { text: 'x3.00, helped' } }, { kind: 'crash' }]);
  });

  it('is awaited while heartbeats are late: no verdict is given on figures that lack them', () => {
    const run = new SimulatedRun().seconds(12, { consumers: 1 }).seconds(8, { consumers: 3 });
    run.set('c2', 'late').seconds(10, { consumers: 3, each: 1_800 });
    expect(run.changes.list()).toMatchObject([{ kind: 'scaling', after: null, verdict: null }]);
    run.set('c2', null).seconds(1, { consumers: 3 });
    expect(run.changes.list()).toMatchObject([{ kind: 'scaling', verdict: { outcome: 'faster' } }]);
  });

  it('is the reason for no verdict when the pipeline does not settle', () => {
    const run = new SimulatedRun().seconds(12, { consumers: 1 }).seconds(8, { consumers: 3 }).set('c2', 'dead');
    run.set('c0', 'rebalancing').seconds(60, { consumers: 3 });
    expect(run.changes.list()[0]?.verdict?.text).toMatch(
      /did not settle within a minute; c2 died while it was being measured/,
    );
  });

  it('of the only consumer changes neither the number nor the limit, and does not delay later verdicts for ever', () => {
    const run = new SimulatedRun().seconds(12, { consumers: 1 }).set('c0', 'dead').seconds(90, { consumers: 1 });
    expect(run.changes.list()).toMatchObject([{ kind: 'crash', crash: { reassignedAfterSeconds: null } }]);
    expect(run.changes.isDisturbed(103_000)).toBe(false);
  });

  it('was none if the consumer sends heartbeats again', () => {
    const run = new SimulatedRun().seconds(12, { consumers: 3 }).set('c2', 'dead').seconds(6, { consumers: 3 });
    run.set('c2', null).seconds(30, { consumers: 3 });
    expect(run.changes.list()).toMatchObject([{ kind: 'crash', crash: { hasReturned: true } }]);
  });
});
