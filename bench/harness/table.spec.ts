import { describe, expect, it } from '@jest/globals';
import type { Result } from './benchmark.js';
import { isReached, tableOf } from './table.js';

const RESULT: Result = {
  name: 'pipeline',
  value: 18_000.4,
  unit: 'orders/s',
  limit: 20_000,
  ratio: 0.9,
  ratioRange: [0.85, 0.95],
  requiredRatio: 0.9,
  peakRssMiB: 310.4,
  maxRssMiB: 400,
  cpuSeconds: 12.34,
  noisy: false,
  runs: [],
  notes: ['the engine against the loop'],
};
const ROW_ONLY: Result = {
  ...RESULT,
  name: 'row',
  value: 24.04,
  limit: null,
  ratio: null,
  ratioRange: null,
  requiredRatio: null,
  maxRssMiB: null,
  notes: [],
};

describe('the table', () => {
  it('has a line per result below the headings, and its notes below the line', () => {
    expect(tableOf([RESULT, ROW_ONLY]).split('\n')).toEqual([
      'benchmark   value  unit       limit  ratio       range  required        peak RSS     CPU',
      'pipeline   18,000  orders/s  20,000   0.90  0.85..0.95   >= 0.90  310 <= 400 MiB  12.3 s  reached',
      '    the engine against the loop',
      'row          24.0  orders/s                                              310 MiB  12.3 s',
    ]);
  });

  it('shows a missed limit and a noisy result', () => {
    expect(tableOf([{ ...RESULT, ratio: 0.5, noisy: true }])).toMatch(/MISSED \(noisy\)$/m);
  });
});

describe('a result', () => {
  it('is missed by a ratio below the required one', () => {
    expect(isReached({ ...RESULT, ratio: 0.89 })).toBe(false);
  });

  it('is missed by more memory than allowed, even when it is fast', () => {
    expect(isReached({ ...RESULT, ratio: 2, peakRssMiB: 401 })).toBe(false);
  });

  it('is neither reached nor missed without a requirement', () => {
    expect(isReached(ROW_ONLY)).toBeUndefined();
  });
});
