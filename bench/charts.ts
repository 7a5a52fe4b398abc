import { createRequire } from 'node:module';
import * as Plot from '@observablehq/plot';
import type { Markish, PlotOptions } from '@observablehq/plot';
import { Resvg } from '@resvg/resvg-js';
import { parseHTML } from 'linkedom';
import { escaped } from '../dev/report-document.js';

/**
 * Charts of documents and reports, as SVG on white, so that they are readable on pages of any colour. The same figures give the same bytes on
 * every machine.
 */

/** A value `y` at a position `x`, such as a second. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A line and its name in the legend. */
export interface Series {
  readonly label: string;
  readonly colour: string;
  readonly points: readonly Point[];
}

/** A limit or a target: a dashed line across the plot. */
export interface Level {
  readonly label: string;
  readonly colour: string;
  readonly y: number;
}

/** One plot. All plots of a chart share the horizontal axis. */
interface Panel {
  /** The plotted quantity, with its unit. */
  readonly title: string;
  /** The height of the plot alone, in pixels. */
  readonly height: number;
  readonly series: readonly Series[];
  readonly levels: readonly Level[];
}

/** A range of the horizontal axis in which something happened: shaded in all plots. */
export interface Band {
  readonly label: string;
  readonly from: number;
  readonly to: number;
}

export interface LineChart {
  readonly title: string;
  readonly subtitle: string;
  /** The quantity of the horizontal axis, with its unit. */
  readonly horizontal: string;
  readonly panels: readonly Panel[];
  /** The label of each is shown as a tooltip. Default: none. */
  readonly bands?: readonly Band[];
}

const WIDTH = 860;
const LEFT = 70;
const RIGHT = 20;
const HEADER = 62;
/** The height of a plot's title and of its horizontal axis, in pixels. */
const AROUND_PLOT = { marginTop: 30, marginBottom: 40 };
const GREY = '#57606a';
const DASHED = '6 4';
/** The width of a letter in the legend, in pixels: close enough for any font. */
const LETTER = 6.9;
const LEGEND_GAP = 18;

/** Draws lines. Without points it draws only the axes. */
export function lineChart({ title, subtitle, horizontal, panels, bands = [] }: LineChart): string {
  const xs = panels.flatMap(({ series }) => series.flatMap(({ points }) => points.map(({ x }) => x)));
  // Not `Math.max(...xs)`: a run has thousands of points.
  const end = xs.reduce((highest, x) => Math.max(highest, x), 0) || 1;
  const plots = panels.map((panel, at) => {
    const label = at === panels.length - 1 ? horizontal : null;
    return plotted({
      height: panel.height + AROUND_PLOT.marginTop + AROUND_PLOT.marginBottom,
      ...AROUND_PLOT,
      marginLeft: LEFT,
      marginRight: RIGHT,
      x: { domain: [0, end], label, labelAnchor: 'center', labelArrow: 'none' },
      y: {
        label: null,
        zero: true,
        grid: true,
        nice: true,
        ticks: Math.round(panel.height / 45),
        tickFormat: inFigures,
      },
      marks: marksOf(panel, bands),
    });
  });
  return onWhite(title, [subtitle], plots);
}

function marksOf({ title, series, levels }: Panel, bands: readonly Band[]): Markish[] {
  return [
    Plot.rect(bands, { x1: 'from', x2: 'to', fill: '#cf222e', fillOpacity: 0.12, title: 'label' }),
    Plot.ruleY([0], { stroke: GREY }),
    Plot.text([title], { frameAnchor: 'top-left', dy: -18, fontWeight: 600 }),
    ...legend([...series, ...levels.map(({ label, colour }) => ({ label: `- - ${label}`, colour }))]),
    ...levels.map(({ y, colour }) => Plot.ruleY([y], { stroke: colour, strokeDasharray: DASHED })),
    ...series.map(({ points, colour }) => Plot.lineY(points, { x: 'x', y: 'y', stroke: colour, strokeWidth: 1.8 })),
  ];
}

/** Writes the names above the plot, from right to left, so that they end at its right side. */
function legend(named: readonly Pick<Series, 'label' | 'colour'>[]): Markish[] {
  let right = 0;
  return named.toReversed().map(({ label, colour }) => {
    const text = Plot.text([label], { frameAnchor: 'top-right', dy: -18, dx: -right, fill: colour, fontWeight: 600 });
    right += label.length * LETTER + LEGEND_GAP;
    return text;
  });
}

/** Without the rounding noise of binary fractions. */
function inFigures(value: number): string {
  return value.toLocaleString('en-US', { maximumSignificantDigits: 6 });
}

/** The outline of a text over lines. */
const HALO = { fill: '#24292f', stroke: '#ffffff', strokeWidth: 4 };
const BAR_HEIGHT = 25;
const COLOURS = ['#6e7781', '#bc4c00', '#0969da', '#1a7f37'];

interface BarChart {
  readonly title: string;
  readonly subtitle: readonly string[];
  /** The quantity of the horizontal axis, with its unit. It is logarithmic. */
  readonly horizontal: string;
  readonly bars: readonly Bar[];
}

interface Bar {
  readonly name: string;
  /** Bars of a group have the same colour. */
  readonly group: string;
  readonly value: number;
  /** Shown as a line across the bar: what it could be at best. */
  readonly bound: number;
  readonly figures: string;
  /** Whether the value is calculated, and not measured: drawn lighter. */
  readonly isCalculated: boolean;
}

/** Draws bars from top to bottom, on a logarithmic axis. */
export function barChart({ title, subtitle, horizontal, bars }: BarChart): string {
  const shown = bars.flatMap(({ value, bound }) => [value, Math.max(bound, value / 100)]);
  const [least, most] = [Math.min(1, ...shown) / 2, Math.max(1, ...shown)];
  const names = bars.map(({ name }) => name);
  const plot = plotted({
    height: BAR_HEIGHT * bars.length + AROUND_PLOT.marginBottom,
    marginTop: 0,
    marginBottom: AROUND_PLOT.marginBottom,
    marginLeft: 285,
    marginRight: 195,
    x: {
      type: 'log',
      domain: [least, most],
      label: horizontal,
      labelAnchor: 'center',
      labelArrow: 'none',
      grid: true,
      tickFormat: inFigures,
    },
    y: { domain: names, label: null, tickSize: 0, padding: 0.25 },
    color: { domain: [...new Set(bars.map(({ group }) => group))], range: COLOURS },
    marks: [
      Plot.barX(bars, {
        x1: least,
        x2: 'value',
        y: 'name',
        fill: 'group',
        fillOpacity: ({ isCalculated }: Bar) => (isCalculated ? 0.4 : 1),
      }),
      Plot.tickX(bars, { x: 'bound', y: 'name', stroke: '#24292f', strokeWidth: 2 }),
      Plot.text(bars, { x: 'value', y: 'name', text: 'figures', textAnchor: 'start', dx: 10, ...HALO }),
    ],
  });
  return onWhite(title, subtitle, [plot]);
}

interface Plotted {
  readonly height: number;
  readonly svg: string;
}

function plotted(options: PlotOptions & { readonly height: number }): Plotted {
  const { document } = parseHTML('<html></html>');
  // Without a name of its own the class would be another one each time.
  const style = { fontSize: '12px', overflow: 'visible' };
  const { outerHTML: svg } = Plot.plot({ ...options, document, width: WIDTH, className: 'plot', style });
  return { height: options.height, svg };
}

/** Puts plots below a title, on white. Title and description are for screen readers. */
function onWhite(title: string, subtitle: readonly string[], plots: readonly Plotted[]): string {
  let top = HEADER + 16 * (subtitle.length - 1);
  const placed = plots.map(({ height, svg }) => {
    const at = top;
    top += height;
    return svg.replace('<svg ', `<svg y="${at}" `);
  });
  const [name, ...lines] = [title, ...subtitle].map(escaped);
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${top}" viewBox="0 0 ${WIDTH} ${top}" role="img" font-family="system-ui, sans-serif" font-size="12" color="#24292f" fill="#24292f">`,
    `<title>${name}</title>`,
    `<desc>${lines.join(' ')}</desc>`,
    `<rect width="${WIDTH}" height="${top}" fill="#ffffff"/>`,
    `<text x="${RIGHT}" y="26" font-size="16" font-weight="600">${name}</text>`,
    ...lines.map((line, at) => `<text x="${RIGHT}" y="${46 + 16 * at}" fill="${GREY}">${line}</text>`),
    ...placed,
    '</svg>',
  ].join('\n')}\n`;
}

/**
 * Replaces each y by the mean of the points at most half a width before or after it. At the ends there are fewer points.
 * @param points in ascending order of x
 */
export function movingMean(points: readonly Point[], width: number): Point[] {
  let [first, next, sum] = [0, 0, 0];
  return points.map(({ x }) => {
    for (; next < points.length && (points[next]?.x ?? Infinity) <= x + width / 2; next += 1)
      sum += points[next]?.y ?? 0;
    for (; (points[first]?.x ?? Infinity) < x - width / 2; first += 1) sum -= points[first]?.y ?? 0;
    return { x, y: sum / (next - first) };
  });
}

const require = createRequire(import.meta.url);
/** Bundled, since a machine may have no font or another one: the same chart must be the same image everywhere. */
const FONT_FILES = [
  require.resolve('@expo-google-fonts/inter/400Regular/Inter_400Regular.ttf'),
  require.resolve('@expo-google-fonts/inter/600SemiBold/Inter_600SemiBold.ttf'),
];
/** Pixels per SVG pixel, for high-resolution screens. */
const SCALE = 2;

/** Renders an SVG as PNG, at twice its size. */
export function renderPng(svg: string): Buffer {
  const font = { loadSystemFonts: false, fontFiles: FONT_FILES, defaultFontFamily: 'Inter', sansSerifFamily: 'Inter' };
  return new Resvg(svg, { fitTo: { mode: 'zoom', value: SCALE }, font }).render().asPng();
}
