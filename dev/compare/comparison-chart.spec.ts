import { describe, expect, it } from '@jest/globals';
import { parseElementNames } from '../charts/testing/elements-of.js';
import { comparisonChart } from './comparison-chart.js';
import { exampleReport, plannedWays } from './testing/example-report.js';

/** Returns the widths of the bars; all other rectangles have another height. */
function barWidths(svg: string): number[] {
  return [...svg.matchAll(/<rect x="130" y="[\d.]+" width="([\d.]+)" height="18"/g)].map(([, width]) => Number(width));
}

describe('the chart of a comparison', () => {
  const report = exampleReport();
  const svg = comparisonChart(report);

  it('is well-formed XML, and loads no external resource', () => {
    expect(parseElementNames(svg)[0]).toBe('svg');
    expect(svg.replace('xmlns="http://www.w3.org/2000/svg"', '')).not.toMatch(/https?:|url\(|<script|<image|<style/);
  });

  it('has a bar for each measured way, longer for slower ways', () => {
    const widths = barWidths(svg);
    expect(widths).toHaveLength(4);
    expect(widths).toEqual(widths.toSorted((a, b) => b - a));
  });

  it('marks the theoretical minimum across each bar, at the end of a bar without any overhead', () => {
    const perfect = report.results.map((way) => ({ ...way, seconds: way.seconds && way.theorySeconds }));
    const ideal = comparisonChart({ ...report, results: perfect });
    const lines = [...ideal.matchAll(/<line x1="([\d.]+)" [^>]* stroke="#24292f" stroke-width="2"/g)].map(([, x]) =>
      Number(x),
    );
    // The first one is the legend's.
    expect(lines.slice(1)).toEqual(barWidths(ideal).map((width) => expect.closeTo(130 + width)));
  });

  it('shows the figures, and marks the calculated ones', () => {
    expect(svg).toContain('>1.20 s<');
    expect(svg).toMatch(/>~\d+ s</);
    expect(svg).toContain('calculated from a sample');
    const all = report.results.map((way) => ({ ...way, sampled: false }));
    expect(comparisonChart({ ...report, results: all })).not.toMatch(/~|calculated/);
  });

  it('has its axis even without measurements', () => {
    const empty = comparisonChart({ ...report, results: plannedWays() });
    expect(barWidths(empty)).toEqual([]);
    expect(empty).not.toMatch(/NaN|Infinity|undefined|null/);
  });
});
