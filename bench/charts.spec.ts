import { describe, expect, it } from '@jest/globals';
import { type LineChart, lineChart, movingMean, renderPng } from './charts.js';

const CHART: LineChart = {
  title: 'Orders & saves <of one run>',
  subtitle: 'at 0 "to" 1 s',
  horizontal: 'seconds',
  panels: [
    {
      title: 'per second',
      height: 200,
      series: [{ label: 'saved', colour: '#0000ff', points: [0, 100].map((x) => ({ x, y: 10 * x })) }],
      levels: [{ label: 'target', colour: '#ff0000', y: 500 }],
    },
    { title: 'MiB', height: 100, series: [{ label: 'rss', colour: '#00ff00', points: [] }], levels: [] },
  ],
};

describe('a chart', () => {
  const svg = lineChart({ ...CHART, bands: [{ label: 'kill <1>', from: 10, to: 20 }] });

  it('escapes any text, and loads no external resource', () => {
    expect(svg).toContain('Orders &amp; saves &lt;of one run&gt;');
    expect(svg).not.toMatch(/&(?!(amp|lt|gt|quot|#160);)/);
    expect(svg.replaceAll(/xmlns(:\w+)?="[^"]*"/g, '')).not.toMatch(/https?:|url\(|<script|<image/);
  });

  it('is a PNG of twice its size', () => {
    const [, width, height] = (/width="(\d+)" height="(\d+)"/.exec(svg) ?? []).map(Number);
    const png = renderPng(svg);
    expect(png.subarray(1, 4).toString()).toBe('PNG');
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([2 * (width ?? 0), 2 * (height ?? 0)]);
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
