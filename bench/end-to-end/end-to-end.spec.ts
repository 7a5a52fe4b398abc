import { describe, expect, it } from '@jest/globals';
import type { ProcessFigures } from '../harness/process-figures.js';
import type { EndToEndRun } from './end-to-end-run.js';
import { ProcessWatch } from './process-watch.js';
import { parseReconciliation } from './reconciliation.js';
import { verdictRows } from './verdict-rows.js';

/** A run that meets all limits. */
const RUN: EndToEndRun = {
  orders: 40_000,
  seconds: 1.6,
  deadLettered: 0,
  emissionSeconds: 2,
  samples: [],
  processes: [
    { name: 'producer', peakRssMiB: 220, cpuSeconds: 2, restarts: 0 },
    { name: 'consumer-1', peakRssMiB: 350, cpuSeconds: 4, restarts: 0 },
    { name: 'MongoDB', peakRssMiB: 1_000, cpuSeconds: 1, restarts: 0 },
  ],
  growth: { producer: 1.02, 'consumer-1': 0.98, MongoDB: 1.5 },
  reconciliation: { answer: { verdict: 'holds', ordersPerSecond: 80_000, seconds: 0.5 } },
  processesAfter: [{ name: 'producer', peakRssMiB: 240, cpuSeconds: 3, restarts: 0 }],
  insertLimit: { ordersPerSecond: 32_000, mongodbCpuUs: 41, clientCpuUs: 7 },
};
const TIME = 'time from POST until all orders are saved, s';
const GROWTH = 'producer, RSS of the last quarter / the second';

/** The processes of the run, each with this peak memory. */
function using(peakRssMiB: number): EndToEndRun['processes'] {
  return ['producer', 'consumer-1', 'Kafka'].map((name) => ({ name, peakRssMiB, cpuSeconds: 1, restarts: 0 }));
}

function judged(verdict: 'broken' | 'pending'): EndToEndRun['reconciliation'] {
  return { answer: { verdict, ordersPerSecond: 80_000, seconds: 1 } };
}

describe('the verdict on a run', () => {
  it.each<[string, Partial<EndToEndRun>, string[]]>([
    ['none', {}, []],
    ['the time', { seconds: 2 }, [TIME, 'orders/s']],
    ['too much memory', { processes: using(401) }, ['producer, peak RSS, MiB', 'consumer-1, peak RSS, MiB']],
    [
      'memory after the reconciliation',
      { processesAfter: using(401) },
      ['producer, peak RSS with the reconciliation, MiB'],
    ],
    ['growing memory', { growth: { producer: 1.2, 'consumer-1': 1 } }, [GROWTH]],
    [
      'a bare insertMany that is much faster',
      { insertLimit: { ...RUN.insertLimit, ordersPerSecond: 50_000 } },
      ['of the bare insertMany'],
    ],
    ['a broken reconciliation', { reconciliation: judged('broken') }, ['reconcile']],
    ['a pending reconciliation', { reconciliation: judged('pending') }, ['reconcile']],
    [
      'a restart',
      { processes: [{ name: 'MongoDB', peakRssMiB: 1_000, cpuSeconds: 1, restarts: 1 }] },
      ['MongoDB, restarts'],
    ],
  ])('misses its limits by %s', (_, change, missed) => {
    const rows = verdictRows({ ...RUN, ...change });
    expect(rows.filter(({ isReached }) => isReached === false).map(({ name }) => name)).toEqual(missed);
  });

  it.each<[string, Partial<EndToEndRun>, string, object]>([
    ['scales the limit for ten million orders', {}, TIME, { measured: '1.6', limit: '<= 1.9', isReached: true }],
    ['has that limit for ten million', { orders: 10_000_000 }, TIME, { limit: '<= 480.0' }],
    [
      'does not judge the growth of a short run',
      { growth: {} },
      GROWTH,
      { measured: 'too short', isReached: undefined },
    ],
    [
      'reports a missing reconciliation',
      { reconciliation: { reason: 'not available' } },
      'reconcile',
      { measured: 'not available', limit: '', isReached: undefined },
    ],
    ['reports the CPU time of an order', {}, 'MongoDB, CPU us an order', { measured: '25.0' }],
  ])('%s', (_, change, name, row) => {
    expect(verdictRows({ ...RUN, ...change })).toContainEqual(expect.objectContaining({ name, ...row }));
  });
});

describe('the answer to a reconciliation', () => {
  const answer = { verdict: 'holds', ordersPerSecond: 70_000.5, seconds: 12, missing: [] };

  it('is kept completely', () => {
    expect(parseReconciliation(200, JSON.stringify(answer))).toEqual({ answer });
  });

  it.each([
    ['not available', 404, '{"title":"…"}', /^not available$/],
    ['a failure for another status', 503, 'unavailable', /^failed with 503: unavailable$/],
    ['a failure without JSON', 200, 'no JSON', /^failed: /],
    ['a failure with an unexpected verdict', 200, '{"verdict":"perhaps"}', /^failed: .*verdict/s],
  ])('is %s', (_, status, body, reason) => {
    expect(parseReconciliation(status, body).reason).toMatch(reason);
  });
});

describe('the process watch', () => {
  it('counts the CPU time from the first sample, and keeps the figures of a replaced process', async () => {
    const figures = new Map<number, ProcessFigures>();
    let pid = 7;
    const watch = new ProcessWatch(
      () => [{ name: 'consumer-1', pid }],
      async (of) => figures.get(of),
    );
    figures.set(7, { rssMiB: 90, peakRssMiB: 400, cpuSeconds: 2 });
    await watch.sample();
    figures.set(7, { rssMiB: 100, peakRssMiB: 400, cpuSeconds: 4 });
    expect(await watch.sample()).toEqual({ 'consumer-1': { rssMiB: 100, cpuSeconds: 2 } });
    pid = 8;
    figures.set(8, { rssMiB: 80, peakRssMiB: 80, cpuSeconds: 1 });
    expect(await watch.sample()).toEqual({ 'consumer-1': { rssMiB: 80, cpuSeconds: 3 } });
    expect(watch.totals()).toEqual([{ name: 'consumer-1', peakRssMiB: 400, cpuSeconds: 3, restarts: 1 }]);
    // It ends during the sample.
    figures.clear();
    expect(await watch.sample()).toEqual({});
  });
});
