/**
 * Draws charts as SVG text. It is hand-written because a hundred lines suffice: libraries that draw without a DOM add megabytes,
 * and the same run must produce the same bytes on every machine.
 */
import { escaped, line, rounded, svgDocument, text } from './svg-elements.js';
import { linearScale, type LinearScale } from './linear-scale.js';
import type { Point } from './moving-mean.js';

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
export interface Panel {
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
const PLOT_WIDTH = WIDTH - LEFT - RIGHT;
const HEADER = 62;
const FOOTER = 50;
/** The height above a plot for its title and legend, in pixels. */
const CAPTION = 30;
const BETWEEN_PANELS = 24;
const PIXELS_PER_TICK = { horizontal: 80, vertical: 45 };
/** The width of a letter in the legend, in pixels: close enough for any font. */
const LETTER = 6.6;
const SWATCH = 26;

/** Draws the chart on white, so that it is readable on pages of any colour. Without points it draws only the axes. */
export function lineChart({ title, subtitle, horizontal, panels, bands = [] }: LineChart): string {
  const xs = panels.flatMap(({ series }) => series.flatMap(({ points }) => points.map(({ x }) => x)));
  const scale = linearScale(highestOf(xs), PLOT_WIDTH / PIXELS_PER_TICK.horizontal);
  let top = HEADER;
  const drawn = panels.map((panel) => {
    const plot = [...bands.map((band) => bandAt(band, panel, top, scale)), panelAt(panel, top, scale)].join('\n');
    top += CAPTION + panel.height + BETWEEN_PANELS;
    return plot;
  });
  const bottom = top - BETWEEN_PANELS;
  const height = bottom + FOOTER;
  return svgDocument({ width: WIDTH, height, title, subtitle }, [
    text(LEFT, 26, title, 'font-size="16" font-weight="600"'),
    text(LEFT, 46, subtitle, 'fill="#57606a"'),
    ...drawn,
    ...scale.ticks.map((tick) => text(horizontalAt(scale, tick), bottom + 18, figure(tick), 'text-anchor="middle"')),
    text(LEFT + PLOT_WIDTH / 2, bottom + 38, horizontal, 'text-anchor="middle" fill="#57606a"'),
  ]);
}

function panelAt(panel: Panel, above: number, horizontal: LinearScale): string {
  const { title, height, series, levels } = panel;
  const top = above + CAPTION;
  const values = [...series.flatMap(({ points }) => points.map(({ y }) => y)), ...levels.map(({ y }) => y)];
  const vertical = linearScale(highestOf(values), height / PIXELS_PER_TICK.vertical);
  const yOf = (value: number): number => rounded(top + height - vertical.at(value) * height);
  return [
    text(LEFT, above + 18, title, 'font-weight="600"'),
    ...legend(panel, above + 14),
    ...horizontal.ticks.map((tick) => {
      const x = horizontalAt(horizontal, tick);
      return line(x, top, x, top + height, 'stroke="#eaeef2"');
    }),
    ...vertical.ticks.flatMap((tick) => [
      line(LEFT, yOf(tick), LEFT + PLOT_WIDTH, yOf(tick), `stroke="${tick === 0 ? '#57606a' : '#eaeef2'}"`),
      text(LEFT - 8, yOf(tick) + 4, figure(tick), 'text-anchor="end"'),
    ]),
    ...levels.map(({ y, colour }) =>
      line(LEFT, yOf(y), LEFT + PLOT_WIDTH, yOf(y), `stroke="${colour}" stroke-dasharray="6 4"`),
    ),
    ...series
      .filter(({ points }) => points.length > 0)
      .map(({ colour, points }) => {
        const path = points.map(({ x, y }) => `${horizontalAt(horizontal, x)},${yOf(y)}`).join(' ');
        return `<polyline fill="none" stroke="${colour}" stroke-width="1.8" stroke-linejoin="round" points="${path}"/>`;
      }),
  ].join('\n');
}

/** Draws a band at least one pixel wide. */
function bandAt({ label, from, to }: Band, { height }: Panel, above: number, horizontal: LinearScale): string {
  const x = horizontalAt(horizontal, from);
  const width = Math.max(1, rounded(horizontalAt(horizontal, to) - x));
  const shape = `<rect x="${x}" y="${above + CAPTION}" width="${width}" height="${height}" fill="#cf222e" fill-opacity="0.12">`;
  return `${shape}<title>${escaped(label)}</title></rect>`;
}

/** Draws the legend from right to left, so that it ends at the plot's right side. */
function legend({ series, levels }: Panel, y: number): string[] {
  const entries = [
    ...series.map(({ label, colour }) => ({ label, stroke: `stroke="${colour}" stroke-width="2.5"` })),
    ...levels.map(({ label, colour }) => ({ label, stroke: `stroke="${colour}" stroke-dasharray="6 4"` })),
  ];
  let end = LEFT + PLOT_WIDTH;
  return entries.toReversed().flatMap(({ label, stroke }) => {
    const start = rounded(end - label.length * LETTER - SWATCH);
    end = start - 16;
    return [line(start, y, start + SWATCH - 6, y, stroke), text(start + SWATCH, y + 4, label)];
  });
}

function horizontalAt(scale: LinearScale, value: number): number {
  return rounded(LEFT + scale.at(value) * PLOT_WIDTH);
}

/** Formats a figure without the rounding noise of binary fractions. */
function figure(value: number): string {
  return value.toLocaleString('en-US', { maximumSignificantDigits: 6 });
}

/** Not `Math.max(...values)`: a run has thousands of values. */
function highestOf(values: readonly number[]): number {
  return values.reduce((highest, value) => Math.max(highest, value), 0);
}
