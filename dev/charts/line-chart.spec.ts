import { describe, expect, it } from '@jest/globals';
import { parseElementNames } from './testing/elements-of.js';
import { lineChart, type LineChart } from './line-chart.js';

const CHART: LineChart = {
  title: 'Orders & saves <of one run>',
  subtitle: 'at 0 "to" 1 s',
  horizontal: 'seconds',
  panels: [
    {
      title: 'per second',
      height: 200,
      series: [
        {
          label: 'saved',
          colour: '#0000ff',
          points: [
            { x: 0, y: 0 },
            { x: 100, y: 1_000 },
          ],
        },
      ],
      levels: [{ label: 'wanted', colour: '#ff0000', y: 500 }],
    },
    { title: 'MiB', height: 100, series: [{ label: 'rss', colour: '#00ff00', points: [] }], levels: [] },
  ],
};

/** Returns the attribute of the first element of that name. */
function attribute(svg: string, element: string, name: string): string | undefined {
  return new RegExp(`<${element} [^>]*?${name}="([^"]*)"`).exec(svg)?.[1];
}

describe('a chart', () => {
  const svg = lineChart(CHART);

  it('is well-formed XML with any text', () => {
    expect(parseElementNames(svg)[0]).toBe('svg');
    expect(svg).toContain('Orders &amp; saves &lt;of one run&gt;');
  });

  it('loads no external resource', () => {
    expect(svg.replace('xmlns="http://www.w3.org/2000/svg"', '')).not.toMatch(/https?:|url\(|<script|<image|<style/);
  });

  it('has a white background, so that it is readable on a dark page', () => {
    expect(attribute(svg, 'rect', 'fill')).toBe('#ffffff');
    expect(attribute(svg, 'rect', 'height')).toBe(attribute(svg, 'svg', 'height'));
  });

  it('draws a line from the start of both axes to their ends', () => {
    expect(attribute(svg, 'polyline', 'points')).toBe('70,292 840,92');
  });

  it('names its axes and lines', () => {
    for (const label of ['seconds', 'per second', 'saved', 'wanted', 'MiB', 'rss']) expect(svg).toContain(`>${label}<`);
  });

  it('shades each band in all panels, with its label', () => {
    const shaded = lineChart({ ...CHART, bands: [{ label: 'kill <1>', from: 10, to: 20 }] });
    const shapes = [...shaded.matchAll(/<rect x="147" y="\d+" width="77" height="(\d+)"[^>]*><title>kill &lt;1&gt;</g)];
    expect(shapes.map(([, height]) => height)).toEqual(['200', '100']);
  });

  it('draws no line for a series without points', () => {
    expect(parseElementNames(svg).filter((name) => name === 'polyline')).toHaveLength(1);
  });

  it('has axes even without points', () => {
    const empty = lineChart({ ...CHART, panels: CHART.panels.slice(1) });
    expect(parseElementNames(empty)).toContain('line');
    expect(empty).not.toMatch(/NaN|Infinity|undefined/);
  });

  it('is the same text for the same figures', () => {
    expect(lineChart(CHART)).toBe(svg);
  });
});
