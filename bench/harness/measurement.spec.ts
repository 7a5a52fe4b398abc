import { describe, expect, it } from '@jest/globals';
import type { Result } from './benchmark.js';
import { flatnessOf, lastQuarterAgainstSecond } from './flatness.js';
import { Hundredths } from './hundredths.js';
import { ratePerSecond, type Measurement } from './measurement.js';
import { parseProcessFigures } from './process-figures.js';
import { median, pairedRatio, percentile, spread } from './statistics.js';
import { isReached } from './table.js';

/** Five samples in each of the quarters. */
function quarters(...rssMiB: number[]): number[] {
  return rssMiB.flatMap((each) => Array<number>(5).fill(each));
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
      pairedRatio([80, 40, 8], [100, 50, 10]),
      { median: 0.8, min: 0.8, max: 0.8 },
    ],
    ['ratios have a range', pairedRatio([50, 90, 70], [100, 100, 100]), { median: 0.7, min: 0.5, max: 0.9 }],
  ])('%s', (_, value, expected) => {
    expect(value).toEqual(expected);
  });

  it.each([
    ['a median of no values', () => median([])],
    ['a percentile of no values', () => percentile([], 99)],
    ['runs without a neighbour', () => pairedRatio([1, 2], [1])],
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
