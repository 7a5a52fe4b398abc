import { describe, expect, it } from '@jest/globals';
import type { Result, Run } from '../harness/benchmark.js';
import { scalingChart } from './scaling-chart.js';

function result(name: string, ...runs: [string, number][]): Result {
  return {
    name,
    runs: runs.map(([contender, value]): Run => ({ contender, value, peakRssMiB: 1, cpuSeconds: 1 })),
  } as unknown as Result;
}

describe('the scaling chart', () => {
  it('has a line for one consumer, one for several consumers and one for the theoretical maximum', () => {
    const chart = scalingChart(
      [
        result('scaling-consumers-2', ['1 x 1000', 1_990], ['2 x 1000', 3_900]),
        result('scaling-consumers-4', ['1 x 1000', 1_970], ['4 x 1000', 7_600]),
        result('scaling-in-flight-4000', ['1 x 4000', 7_900]),
        result('window-100', ['engine-wait', 200]),
      ],
      { cores: 2 },
    );
    const lines = [...chart.matchAll(/<polyline[^>]* points="(?<points>[^"]+)"/g)].map(
      ({ groups }) => groups?.['points']?.split(' ').length,
    );
    expect(lines).toEqual([2, 3, 4]);
    for (const label of ['theoretical maximum', 'one consumer', 'consumers with 1000 each', 'all on 2 cores'])
      expect(chart).toContain(label);
  });
});
