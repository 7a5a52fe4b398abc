import { describe, expect, it } from '@jest/globals';
import { lineChart, type LineChart } from './line-chart.js';
import { linearScale } from './linear-scale.js';
import { logarithmicScale } from './logarithmic-scale.js';
import { movingMean } from './moving-mean.js';
import { renderPng } from './png.js';

const CHART: LineChart = {
  title: 'Orders & saves <of one run>',
  subtitle: 'at 0 "to" 1 s',
  horizontal: 'seconds',
  panels: [
    {
      title: 'per second',
      height: 200,
      series: [{ label: 'saved', colour: '#0000ff', points: [0, 100].map((x) => ({ x, y: 10 * x })) }],
      levels: [{ label: 'wanted', colour: '#ff0000', y: 500 }],
    },
    { title: 'MiB', height: 100, series: [{ label: 'rss', colour: '#00ff00', points: [] }], levels: [] },
  ],
};

describe('a chart', () => {
  const svg = lineChart({ ...CHART, bands: [{ label: 'kill <1>', from: 10, to: 20 }] });

  it('escapes any text, and loads no external resource', () => {
    expect(svg).toContain('Orders &amp; saves &lt;of one run&gt;');
    expect(svg).not.toMatch(/&(?!(amp|lt|gt|quot);)/);
    expect(svg.replace('xmlns="http://www.w3.org/2000/svg"', '')).not.toMatch(/https?:|url\(|<script|<image|<style/);
  });

  it('draws a line from the start of both axes to their ends, and none for a series without points', () => {
    expect([...svg.matchAll(/<polyline [^>]*?points="([^"]*)"/g)].map(([, points]) => points)).toEqual([
      '70,292 840,92',
    ]);
  });

  it('shades each band in all panels, with its label', () => {
    const shapes = [...svg.matchAll(/<rect x="147" y="\d+" width="77" height="(\d+)"[^>]*><title>kill &lt;1&gt;</g)];
    expect(shapes.map(([, height]) => height)).toEqual(['200', '100']);
  });

  it('has axes even without points', () => {
    const empty = lineChart({ ...CHART, panels: CHART.panels.slice(1) });
    expect(empty).toContain('<line');
    expect(empty).not.toMatch(/NaN|Infinity|undefined/);
  });

  it('is a PNG of twice its size', () => {
    const [, width, height] = (/width="(\d+)" height="(\d+)"/.exec(svg) ?? []).map(Number);
    const png = renderPng(svg);
    expect(png.subarray(1, 4).toString()).toBe('PNG');
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([2 * (width ?? 0), 2 * (height ?? 0)]);
  });
});

describe('an axis', () => {
  it.each([
    [13_700, 5, [0, 5_000, 10_000, 15_000]],
    [884, 10, [0, 100, 200, 300, 400, 500, 600, 700, 800, 900]],
    [400, 4, [0, 100, 200, 300, 400]],
    [0.03, 3, [0, 0.01, 0.02, 0.03].map((tick) => expect.closeTo(tick))],
    // Without values it ends at 1.
    ...[0, -Infinity, Number.NaN].map((highest): [number, number, number[]] => [highest, 2, [0, 0.5, 1]]),
  ])('up to %d with %i ticks has round ones', (highest, most, ticks) => {
    const scale = linearScale(highest, most);
    expect(scale.ticks).toEqual(ticks);
    expect([0, scale.end / 4, scale.end].map(scale.at)).toEqual([0, 0.25, 1]);
  });
});

describe('a logarithmic axis', () => {
  it.each([
    [0.7, 577, { start: 0.5, end: 1_000 }],
    [0.5, 1_000, { start: 0.5, end: 1_000 }],
    [0.03, 0.04, { start: 0.02, end: 0.05 }],
    [1, 1, { start: 1, end: 2 }],
    [0.5, 20, { ticks: [0.5, 1, 2, 5, 10, 20] }],
    [0.02, 5_000, { ticks: [0.1, 1, 10, 100, 1_000] }],
  ])('from %d to %d has round ends and ticks', (lowest, highest, axis) => {
    expect(logarithmicScale(lowest, highest)).toMatchObject(axis);
  });

  it('gives each factor the same length, and places values outside of it at the nearer end', () => {
    const places = [0, 0.1, 1, 10, 100, 1_000, 5_000].map(logarithmicScale(1, 1_000).at);
    expect(places).toEqual([0, 0, 0, 1 / 3, 2 / 3, 1, 1].map((place) => expect.closeTo(place)));
  });

  it.each([
    [0, 1],
    [-1, 1],
    [2, 1],
    [Number.NaN, 1],
  ])('rejects a range from %d to %d', (lowest, highest) => {
    expect(() => logarithmicScale(lowest, highest)).toThrow(RangeError);
  });
});

describe('the moving mean', () => {
  it.each([
    ['less at the ends', [0, 1, 2, 3, 4], [0, 30, 60, 0, 30], [15, 30, 30, 30, 15]],
    ['by the x values, where a second is missing', [0, 5, 6], [10, 20, 40], [10, 30, 30]],
    ['nothing without points', [], [], []],
  ])('covers half a width before and after each point: %s', (_, xs, ys, means) => {
    const points = xs.map((x, at) => ({ x, y: ys[at] ?? 0 }));
    expect(movingMean(points, 2)).toEqual(xs.map((x, at) => ({ x, y: means[at] })));
  });
});
