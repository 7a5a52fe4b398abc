import { describe, expect, it } from '@jest/globals';
import { ratesOf, runChart } from './run-chart.js';
import { EXAMPLE_RUN, sampleAt } from './testing/example-run.js';

const MACHINE = { cores: 2, memoryGiB: 24 };

describe('the chart of a run', () => {
  const svg = runChart(EXAMPLE_RUN, MACHINE);

  it('has a title with the result and a subtitle with the configuration, but no date', () => {
    expect(svg).toContain('>40,000 orders from the producer into MongoDB in 2 s: 25,000 a second<');
    expect(svg).toContain('one consumer, 18,000 in flight; each save waits 0 to 1000 ms; all on 2 cores and 24 GiB');
  });

  it('draws the produced and saved rates, and the memory of both apps', () => {
    expect(svg.match(/<polyline/g)).toHaveLength(4);
    for (const label of ['produced', 'saved', 'producer', 'consumer-1']) expect(svg).toContain(`>${label}<`);
    expect(svg).not.toContain('MongoDB<');
  });

  it('is valid for a run without samples', () => {
    expect(runChart({ ...EXAMPLE_RUN, samples: [] }, MACHINE)).not.toMatch(/<polyline|NaN/);
  });
});

describe('the rates', () => {
  it('use the time since the previous sample', () => {
    const samples = [1, 2, 4].map(sampleAt);
    expect(ratesOf(samples, ({ saved }) => saved)).toEqual([
      { x: 1, y: 10_000 },
      { x: 2, y: 10_000 },
      { x: 4, y: 10_000 },
    ]);
  });
});
