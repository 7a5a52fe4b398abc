import { describe, expect, it } from '@jest/globals';
import { countsIn, savesBetween } from './admin-benchmarks.js';
import { type EndToEndRun, resultsOf } from './end-to-end.js';
import { flatnessOf, Hundredths, lastQuarterAgainstSecond, type Measurement, ratePerSecond } from './measurement.js';
import { parseProcessFigures, type ProcessFigures, ProcessWatch } from './process-watch.js';
import { atMost, comparedWith, isReached, median, percentile, type Result, type Run, spread } from './result.js';
import { heartbeatRate } from './stack-benchmarks.js';

/** Five samples in each of the quarters. */
function quarters(...rssMiB: number[]): number[] {
  return rssMiB.flatMap((each) => Array<number>(5).fill(each));
}

function runs(...values: number[]): Run[] {
  return values.map((value) => ({ contender: 'any', value, peakRssMiB: 1, cpuSeconds: 1 }));
}

describe('statistics', () => {
  const descending = Array.from({ length: 200 }, (_, at) => 200 - at);

  it.each([
    ['the median is the middle value in any order', median([9, 1, 5]), 5],
    ['the median of an even count is the mean of the middle ones', median([4, 1, 2, 100]), 3],
    ['the spread is the range divided by the median', spread([90, 100, 110]), expect.closeTo(0.2)],
    ['the spread of a single run is 0', spread([42]), 0],
    [
      'a percentile is the nearest rank',
      [50, 99, 99.9, 100, 0].map((part) => percentile(descending, part)),
      [100, 198, 200, 200, 1],
    ],
    [
      'a run is compared with its neighbour',
      comparedWith([100, 50, 10], { unit: '/s', subject: runs(80, 40, 8) }),
      expect.objectContaining({ value: 40, limit: 50, ratio: 0.8, ratioRange: [0.8, 0.8], noisy: true }),
    ],
    [
      'ratios have a range',
      comparedWith([100, 100, 100], { unit: '/s', subject: runs(50, 90, 70) }),
      expect.objectContaining({ ratio: 0.7, ratioRange: [0.5, 0.9], noisy: false }),
    ],
    [
      'where less is better, the ratio is that of the limit',
      comparedWith([2, 2], { unit: 'ms', subject: runs(1, 4) }, true),
      expect.objectContaining({ ratio: 1.25, ratioRange: [0.5, 2] }),
    ],
    ['a value at most its limit reaches it', atMost(10, { unit: 'ms', subject: runs(5) }).ratio, 2],
  ])('%s', (_, value, expected) => {
    expect(value).toEqual(expected);
  });

  it.each([
    ['a median of no values', () => median([])],
    ['a percentile of no values', () => percentile([], 99)],
    ['runs without a neighbour', () => comparedWith([1], { unit: '/s', subject: runs(1, 2) })],
    ['a run without a sample after its warm-up', () => flatnessOf([{ atMs: 0, rssMiB: 50, finished: 0 }], 1_000)],
  ])('there is none of %s', (_, compute) => {
    expect(compute).toThrow(RangeError);
  });
});

describe('the rate of a run', () => {
  /** A slow start of one second, then one hundredth every 10 ms. */
  const marks = Array.from({ length: 101 }, (_, at) => (at === 0 ? 0 : 1_000 + 10 * at));
  const run: Measurement = { records: 1_000, marks, cpuSeconds: 1, peakRssMiB: 100, samples: [] };

  it('includes the start for the whole run, and excludes it for the middle', () => {
    expect(ratePerSecond(run, 0, 100)).toBe(500);
    expect(ratePerSecond(run, 10, 70)).toBeCloseTo(1_000);
  });

  it('is none of a run that ended earlier', () => {
    expect(() => ratePerSecond({ ...run, marks: marks.slice(0, 51) }, 10, 70)).toThrow('the run ended at 50 %');
  });

  it('is by marks of each hundredth, several at once when one step passes them, up to the last record', () => {
    const hundredths = new Hundredths(1_000);
    hundredths.note(9, 5);
    hundredths.note(10, 6);
    hundredths.note(35, 9);
    expect([hundredths.marks, hundredths.isComplete]).toEqual([[0, 6, 9, 9], false]);
    hundredths.note(1_000, 100);
    hundredths.note(1_100, 200);
    expect([hundredths.marks.length, hundredths.marks.at(-1), hundredths.isComplete]).toEqual([101, 100, true]);
  });
});

describe('the memory of a run', () => {
  const STATUS = 'Name:\tnode\nVmPeak:\t 9999999 kB\nVmHWM:\t  262144 kB\nVmRSS:\t  131072 kB\nThreads:\t11\n';
  const STAT = '4711 (a (strange) name) S 1 4711 4711 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 11 0 5000 1 2 3';

  it.each([
    ['are its memory, its peak memory and its CPU time', STATUS, { rssMiB: 128, peakRssMiB: 256, cpuSeconds: 3 }],
    ['are undefined for a zombie process, which has no memory', 'Name:\tnode\nState:\tZ (zombie)\n', undefined],
  ])("is by a process's figures, which %s", (_, status, figures) => {
    expect(parseProcessFigures(status, STAT)).toEqual(figures);
  });

  it('is compared with the median of the first samples after the warm-up', () => {
    const samples = [50, 90, 100, 101, 99, 500, 100, 130, 80].map((rssMiB, at) => {
      return { atMs: 1_000 * at, rssMiB, finished: 100 * at };
    });
    expect(flatnessOf(samples, 200)).toEqual({ base: 100, highest: 500, lowest: 80 });
  });

  it.each([
    [
      'does not count the first quarter, in which it reaches its size',
      quarters(50, 200, 400, 220),
      expect.closeTo(1.1),
    ],
    ['does not count one peak', [...quarters(50, 200, 200), 200, 200, 900, 200, 200], 1],
    ['is unknown for a run of a few seconds', [100, 200, 300, 400], undefined],
  ])('as its growth, %s', (_, rssMiB, growth) => {
    expect(lastQuarterAgainstSecond(rssMiB)).toEqual(growth);
  });
});

describe('a result', () => {
  const result = { ratio: 0.9, requiredRatio: 0.9, peakRssMiB: 310.4, maxRssMiB: 400 } as Result;

  it.each([
    ['is reached', {}, true],
    ['is missed by a ratio below the required one', { ratio: 0.89 }, false],
    ['is missed by more memory than allowed, even when it is fast', { ratio: 2, peakRssMiB: 401 }, false],
    ['is neither without a requirement', { ratio: null, requiredRatio: null, maxRssMiB: null }, undefined],
  ])('%s', (_, change, verdict) => {
    expect(isReached({ ...result, ...change })).toBe(verdict);
  });
});

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
  reconciliation: { verdict: 'holds', ordersPerSecond: 80_000, seconds: 0.5 },
  processesAfter: [{ name: 'producer', peakRssMiB: 240, cpuSeconds: 3, restarts: 0 }],
  insertLimit: { ordersPerSecond: 32_000, mongodbCpuUs: 41, clientCpuUs: 7 },
};
/** The processes of the run, each with this peak memory. */
function using(peakRssMiB: number): EndToEndRun['processes'] {
  return ['producer', 'consumer-1', 'Kafka'].map((name) => ({ name, peakRssMiB, cpuSeconds: 1, restarts: 0 }));
}

function judged(verdict: 'broken' | 'pending'): EndToEndRun['reconciliation'] {
  return { verdict, ordersPerSecond: 80_000, seconds: 1 };
}

describe('the verdict on an end-to-end run', () => {
  it.each<[string, Partial<EndToEndRun>, string[]]>([
    ['none', {}, []],
    ['the time', { seconds: 2 }, ['end-to-end']],
    ['too much memory', { processes: using(401) }, ['producer-memory', 'consumer-1-memory']],
    ['memory of a short run', { processes: using(401), growth: {} }, ['producer-memory', 'consumer-1-memory']],
    ['memory after the reconciliation', { processesAfter: using(401) }, ['end-to-end-reconcile']],
    ['growing memory', { growth: { producer: 1.2, 'consumer-1': 1 } }, ['producer-memory']],
    [
      'a bare insertMany that is much faster',
      { insertLimit: { ...RUN.insertLimit, ordersPerSecond: 50_000 } },
      ['end-to-end-of-inserts'],
    ],
    ['a mismatch that reconcile finds', { reconciliation: judged('broken') }, ['end-to-end-reconcile']],
    ['a pending reconciliation', { reconciliation: judged('pending') }, ['end-to-end-reconcile']],
    [
      'a restart',
      { processes: [{ name: 'MongoDB', peakRssMiB: 1_000, cpuSeconds: 1, restarts: 1 }] },
      ['MongoDB-restarts'],
    ],
    ['nothing, if its growth and its reconciliation are unknown', { growth: {}, reconciliation: 'failed' }, []],
  ])('misses its limits by %s', (_, change, missed) => {
    const results = resultsOf({ ...RUN, ...change }, false);
    expect(results.filter((result) => isReached(result) === false).map(({ name }) => name)).toEqual(missed);
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

/** Metrics as a consumer exposes them. */
function metrics({ saved = 0, retriable = 0, dead = 0, failed = 0, conflict = 0, fast = 0, all = 0 }): string {
  const names = 'topic="orders.v1",group="orders-savers"';
  return [
    `parallel_consumer_failed_attempts_total{${names},outcome="retriable"} ${retriable}`,
    `parallel_consumer_failed_attempts_total{${names},outcome="environment"} 0`,
    `parallel_consumer_dead_lettered_total{${names}} ${dead}`,
    `consumer_bulk_insert_duration_seconds_bucket{le="0.05",result="succeeded"} ${fast}`,
    `consumer_bulk_insert_duration_seconds_bucket{le="0.1",result="succeeded"} ${all}`,
    `consumer_bulk_insert_duration_seconds_bucket{le="+Inf",result="succeeded"} ${all}`,
    `consumer_bulk_insert_duration_seconds_count{result="failed"} ${failed}`,
    `consumer_orders_total{result="saved"} ${saved}`,
    `consumer_orders_total{result="conflict"} ${conflict}`,
    'consumer_orders_total{result="refused"} 0',
  ].join('\n');
}

describe('the saves of a consumer', () => {
  it('fail in any of five ways', () => {
    expect(countsIn(metrics({ retriable: 1, dead: 2, failed: 4, conflict: 8 }), 0).failed).toBe(15);
    expect(countsIn(metrics({ saved: 7 }), 0)).toMatchObject({ failed: 0, saved: 7 });
  });

  it('are not taken for successful if a metric is missing', () => {
    const [, ...others] = metrics({}).split('\nconsumer_bulk_insert_duration_seconds_count');
    expect(() => countsIn(others.join(''), 0)).toThrow('a metric of the consumer is missing');
  });

  it('have a rate and a slowest insert between two readings', () => {
    const from = countsIn(metrics({ saved: 100, fast: 5, all: 9 }), 1_000);
    const fast = countsIn(metrics({ saved: 300, fast: 7, all: 11 }), 2_000);
    const slow = countsIn(metrics({ saved: 300, fast: 7, all: 12 }), 2_000);
    expect(savesBetween(from, fast)).toEqual({ perSecond: 200, slowestInsertSeconds: '0.05' });
    expect(savesBetween(from, slow).slowestInsertSeconds).toBe('0.1');
  });
});

function heartbeat(_id: string, second: number, finished: number, deadLettered = 0) {
  return { _id, at: new Date(second * 1_000), finished, deadLettered };
}

describe('the rate of several consumers', () => {
  it('is the sum of their rates, each by its own times and without its dead letters', () => {
    const first = [heartbeat('a', 10, 1_000), heartbeat('b', 10.5, 0)];
    expect(heartbeatRate(first, [heartbeat('b', 20.5, 5_050, 50), heartbeat('a', 15, 2_000)])).toBe(500 + 200);
  });

  it('throws when a consumer starts, stops or sends no heartbeat', () => {
    const first = [heartbeat('a', 10, 1_000)];
    expect(() => heartbeatRate(first, [heartbeat('a', 20, 2_000), heartbeat('b', 20, 9)])).toThrow(RangeError);
    expect(() => heartbeatRate(first, [heartbeat('b', 20, 9)])).toThrow(RangeError);
    expect(() => heartbeatRate(first, first)).toThrow(RangeError);
  });
});
