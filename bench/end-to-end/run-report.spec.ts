import { describe, expect, it } from '@jest/globals';
import { reportOf, resultsOf } from './run-report.js';
import { EXAMPLE_RUN, sampleAt } from './testing/example-run.js';

describe('the report of a run', () => {
  it('has the whole, the emission and the reconciliation as results', () => {
    expect(resultsOf(EXAMPLE_RUN, false)).toMatchObject([
      { name: 'end-to-end', value: 25_000, limit: 20_834, requiredRatio: 1, peakRssMiB: 350, cpuSeconds: 7 },
      { name: 'end-to-end-emission', value: 20_000, limit: null, ratio: null, peakRssMiB: 220, cpuSeconds: 2 },
      { name: 'end-to-end-reconcile', value: 80_000, limit: 60_000, peakRssMiB: 240, cpuSeconds: 1.5 },
    ]);
  });

  it('has no reconciliation result without a reconciliation', () => {
    const run = { ...EXAMPLE_RUN, reconciliation: { reason: 'not available' } };
    expect(resultsOf(run, true).map(({ name, noisy }) => ({ name, noisy }))).toEqual([
      { name: 'end-to-end', noisy: true },
      { name: 'end-to-end-emission', noisy: true },
    ]);
  });

  it('has a column for each figure, with null where a process was not running', () => {
    const samples = [{ ...sampleAt(1), processes: {} }, ...[2, 3, 4].map(sampleAt)];
    const { series } = reportOf({ ...EXAMPLE_RUN, samples });
    expect(series.saved).toEqual([10_000, 20_000, 30_000, 40_000]);
    expect(series.rssMiB['consumer-1']).toEqual([null, 302, 303, 304]);
    expect(series.cpuSeconds['MongoDB']).toEqual([null, 0.5, 0.8, 1]);
  });
});
