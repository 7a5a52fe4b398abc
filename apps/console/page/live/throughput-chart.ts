import { html, nothing, type TemplateResult } from 'lit';
import uPlot from 'uplot';
import { state } from 'lit/decorators.js';
import type { Points } from '../../src/pipeline/figure-history.js';
import type { PipelineResponse, ReportedChange } from '../../src/pipeline/pipeline-response.js';
import { figure, plural, limitText } from '../figures.js';
import { LiveElement } from '../page-element.js';

/** The time ranges of the chart. */
const TIME_RANGES = [
  { seconds: 120, name: '2 min' },
  { seconds: 600, name: '10 min' },
  { seconds: 3_600, name: '1 hour' },
] as const;

/** Returns the window of the chart, in seconds since 1970. It always ends now, whatever has been recorded. */
export function timeWindow(now: number, seconds: number): [from: number, to: number] {
  return [now - seconds, now];
}

/** Adds points without values at the ends of the window, so that the chart has an axis also without data. */
export function framed({ at, values }: Points, [from, to]: readonly [number, number]): Points {
  const before = from < (at[0] ?? to) ? [from] : [];
  const after = to > (at.at(-1) ?? from) ? [to] : [];
  const columns = Object.entries(values).map(([name, column]) => [
    name,
    [...before.map(() => null), ...column, ...after.map(() => null)],
  ]);
  return { at: [...before, ...at, ...after], values: Object.fromEntries(columns) as Points['values'] };
}

/** Formats times of an axis in UTC: `14:05`, or `14:05:30` when they are less than a minute apart. */
export function axisTexts(seconds: readonly number[]): string[] {
  const isFine = seconds.some((second) => second % 60 !== 0);
  return seconds.map((second) => (isFine ? timeText(second) : timeText(second).slice(0, -3)));
}

/** Formats a time in UTC, such as `14:05:30`. */
export function timeText(second: number): string {
  return new Date(1_000 * second).toISOString().slice(11, 19);
}

/** Returns the legend with the values of now. */
function currentLegend(latest: PipelineResponse | null): TemplateResult {
  return html`<p class="legend">
    ${key('produced', latest?.producedPerSecond)} ${key('saved', latest?.savedPerSecond)}
    <span class="muted">times are UTC</span>
  </p>`;
}

/** Returns the legend with the values at one point. */
function legendAt({ at, values }: Points, index: number): TemplateResult {
  const { produced, saved, lag, inFlight, consumers } = values;
  const count = consumers[index] ?? null;
  return html`<p class="legend">
    <span class="muted">${timeText(at[index] ?? 0)} UTC</span>
    ${key('produced', produced[index])} ${key('saved', saved[index])}
    ${
      count === null
        ? html`<span class="muted">not recorded</span>`
        : html`<span class="muted"
            >${figure(lag[index])} lag, ${figure(inFlight[index])} in flight,
            ${plural(Math.round(count), 'consumer')}</span
          >`
    }
  </p>`;
}

/** An unknown value is left out: a dash would read as a value. */
function key(name: 'produced' | 'saved', value: number | null | undefined): TemplateResult {
  return html`<span class="key ${name}"
    >${name}${value === null || value === undefined ? nothing : html` <b>${figure(value)}/s</b>`}</span
  >`;
}

const HEIGHT = 220;
/** In CSS pixels, as the height. */
const Y_AXIS_WIDTH = 60;
/** Half of a time with seconds, so that it is whole below the right edge. */
const RIGHT_PADDING = 28;
const REDRAW_MS = 1_000;
/** User Timing mark of the first drawing with the recorded history. */
const DRAWN = 'history-drawn';

/**
 * Draws produced and saved records per second, with a mark for each scaling, crash and rebalance. Uses uPlot, the smallest library that draws
 * a sample per second for hours.
 */
export class ThroughputChart extends LiveElement {
  /** Seconds that the axis shows. */
  @state() range: number = TIME_RANGES[0].seconds;
  /** Index of the point under the pointer. */
  @state() hovered: number | null = null;
  private plot: uPlot | undefined;
  private points: Points | undefined;
  private marks: readonly PlacedMark[] = [];
  private resized: ResizeObserver | undefined;
  private ticking: ReturnType<typeof setInterval> | undefined;
  private readonly scheme = matchMedia('(prefers-color-scheme: dark)');
  private readonly recolour = (): void => this.rebuild();

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.scheme.removeEventListener('change', this.recolour);
    this.resized?.disconnect();
    clearInterval(this.ticking);
    this.plot?.destroy();
    this.plot = undefined;
  }

  protected override render(): TemplateResult {
    const { hovered, points, live } = this;
    const { latest } = live;
    return html`<div class="chart-head">
        ${hovered === null || points === undefined ? currentLegend(latest) : legendAt(points, hovered)}
        <div class="ranges" role="group" aria-label="Time range of the chart">
          ${TIME_RANGES.map(({ seconds, name }) => this.rangeButton(seconds, name))}
        </div>
      </div>
      <div
        class="chart"
        role="img"
        aria-label="Produced and saved per second, now ${figure(latest?.producedPerSecond)} and ${figure(latest?.savedPerSecond)}"
      ></div>`;
  }

  protected override firstUpdated(): void {
    this.rebuild();
    this.scheme.addEventListener('change', this.recolour);
    this.resized = new ResizeObserver(() => {
      this.plot?.setSize({ width: this.place.clientWidth, height: HEIGHT });
      this.draw();
    });
    this.resized.observe(this.place);
    // Without events, time passes too.
    this.ticking = setInterval(() => {
      if (this.live.latest === null) this.draw();
    }, REDRAW_MS);
  }

  protected override updated(): void {
    this.draw();
  }

  private rangeButton(seconds: number, name: string): TemplateResult {
    const choose = (): void => void (this.range = seconds);
    return html`<button type="button" aria-pressed=${seconds === this.range} @click=${choose}>${name}</button>`;
  }

  private get place(): HTMLElement {
    return this.querySelector<HTMLElement>('.chart') ?? this;
  }

  private draw(): void {
    // A tab in the background is not drawn; it catches up when it becomes visible.
    if (document.visibilityState !== 'visible') return;
    if (this.plot !== undefined) {
      this.marks = this.placed(this.plot);
      this.plot.setData(this.data());
    }
    if (this.live.hasRecorded && performance.getEntriesByName(DRAWN).length === 0) performance.mark(DRAWN);
  }

  private placed(plot: uPlot): PlacedMark[] {
    const [from, to] = this.shownWindow;
    const [left, right] = [Y_AXIS_WIDTH, plot.width - RIGHT_PADDING];
    return placeMarks(toMarks(this.live.changes), {
      left,
      right,
      toX: (at) => left + ((right - left) * (at - from)) / (to - from),
      widthOf: (label) => labelWidth(plot, label),
    });
  }

  private data(): uPlot.AlignedData {
    const window = this.shownWindow;
    const { at, values } = (this.points = framed(this.live.history.points(window[0]), window));
    return [at, values.produced, values.saved];
  }

  private rebuild(): void {
    this.plot?.destroy();
    const colour = (name: string): string => this.colour(name);
    const axis = { stroke: colour('--muted'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } };
    const colours: MarkColours = { crash: colour('--bad'), scaling: colour('--mark'), rebalance: colour('--muted') };
    const options: uPlot.Options = {
      width: this.place.clientWidth,
      height: HEIGHT,
      padding: [() => bandHeight(rowsOf(this.marks)), RIGHT_PADDING, 0, 0],
      legend: { show: false },
      scales: {
        x: { range: () => this.shownWindow },
        y: { range: (_plot, _min, max) => [0, Math.max(10, (max ?? 0) * 1.1)] },
      },
      axes: [
        // A time with seconds is wider than uPlot expects.
        { ...axis, size: 32, space: 70, values: (_plot, ticks) => axisTexts(ticks) },
        { ...axis, size: Y_AXIS_WIDTH, values: (_plot, ticks) => ticks.map((tick) => figure(tick)) },
      ],
      series: [{}, line(colour('--produced')), line(colour('--saved'))],
      hooks: {
        draw: [(plot) => drawMarks(plot, this.marks, colours)],
        setCursor: [({ cursor }) => void (this.hovered = cursor.idx ?? null)],
      },
    };
    this.plot = new uPlot(options, this.data(), this.place);
  }

  private get shownWindow(): [from: number, to: number] {
    return timeWindow(this.live.now, this.range);
  }

  /** Resolves a custom property to a colour for the canvas; its raw value contains both colour schemes. */
  private colour(name: string): string {
    this.place.style.color = `var(${name})`;
    const { color } = getComputedStyle(this.place);
    this.place.style.color = '';
    return color;
  }
}

function line(stroke: string): uPlot.Series {
  return { stroke, width: 2 };
}

/** A vertical line in the chart. */
export interface Mark {
  /** Seconds since 1970. */
  readonly at: number;
  readonly kind: ReportedChange['kind'];
  readonly label: string;
}

/**
 * A mark that is drawn. Its label is in the band above the plot, so that it hides no data. Its line begins beside the label, and goes down through
 * the rows below and through the plot.
 */
export interface PlacedMark extends Mark {
  readonly x: number;
  /** The row of the label, from the top of the band; `null`: there is no room for it, and the line begins at the plot. */
  readonly row: number | null;
  /** Where the label and its gaps begin and end: left of the line, or right of it at the left edge. */
  readonly from: number;
  readonly to: number;
}

interface MarkSpace {
  /** The plot. */
  readonly left: number;
  readonly right: number;
  readonly toX: (at: number) => number;
  readonly widthOf: (label: string) => number;
}

/** Labels are in so many rows. */
const ROWS = 4;
/** Between a label and a line, or the next label. */
const LABEL_GAP = 6;

/** Converts changes to marks. */
export function toMarks(changes: readonly ReportedChange[]): Mark[] {
  return changes.map((change) => ({ at: Date.parse(change.at) / 1_000, kind: change.kind, label: labelOf(change) }));
}

/**
 * Places the marks that are within the plot, so that no label is on another label or on a line. The newest has the first row; older ones go
 * below it, and without a label when no row is left.
 * @param marks oldest first; the band begins at 0, left of the plot
 */
export function placeMarks(marks: readonly Mark[], { left, right, toX, widthOf }: MarkSpace): PlacedMark[] {
  const placed: PlacedMark[] = [];
  for (const mark of marks.toReversed()) {
    const x = toX(mark.at);
    if (x < left || x > right) continue;
    const width = widthOf(mark.label) + 2 * LABEL_GAP;
    const from = x >= width ? x - width : x;
    const span = { x, from, to: from + width };
    const rows = Array.from({ length: ROWS }, (_, row) => row);
    const row = rows.find((each) => placed.every((other) => isFree(each, span, other))) ?? null;
    placed.push({ ...mark, ...span, row });
  }
  return placed;
}

/** Returns how many rows the labels need. */
export function rowsOf(placed: readonly PlacedMark[]): number {
  return Math.max(0, ...placed.map(({ row }) => (row === null ? 0 : row + 1)));
}

/** Returns whether a label in a row keeps clear of another mark, as far as that one is concerned. A line begins at the row of its own label. */
function isFree(row: number, { x, from, to }: Pick<PlacedMark, 'x' | 'from' | 'to'>, other: PlacedMark): boolean {
  if (other.row === null) return true;
  if (other.from < x && x < other.to && row <= other.row) return false;
  if (from < other.x && other.x < to && row >= other.row) return false;
  return row !== other.row || to <= other.from || other.to <= from;
}

function labelOf({ kind, from, to, verdict, crash }: ReportedChange): string {
  if (crash !== null) return `${crash.consumer} ${crash.hasReturned ? 'was silent' : 'died'}`;
  if (kind === 'rebalance' || from === null || to === null) return 'rebalance';
  const factor = verdict?.factor ? `, ${verdict.factor.toFixed(1)} times` : '';
  if (from.consumers !== to.consumers) return `${from.consumers}→${to.consumers} consumers${factor}`;
  return `${limitText(from.inFlight)}→${limitText(to.inFlight)} in flight${factor}`;
}

type MarkColours = Readonly<Record<Mark['kind'], string>>;

const FONT_SIZE = 11;
const ROW_HEIGHT = 14;
/** Above the plot, so that its uppermost label is not cut. */
const MIN_BAND = 16;
const FONT_FAMILY = 'system-ui, sans-serif';

/** Returns the height of the band above the plot for so many rows of labels, in CSS pixels. */
function bandHeight(rows: number): number {
  return Math.max(MIN_BAND, rows * ROW_HEIGHT + LABEL_GAP);
}

/** Measures a label, in CSS pixels. */
function labelWidth({ ctx }: uPlot, label: string): number {
  ctx.save();
  ctx.font = `${FONT_SIZE}px ${FONT_FAMILY}`;
  const { width } = ctx.measureText(label);
  ctx.restore();
  return width;
}

/** Draws a labelled vertical line for each mark; those of rebalances are dotted. */
function drawMarks({ ctx, bbox }: uPlot, marks: readonly PlacedMark[], colours: MarkColours): void {
  const ratio = devicePixelRatio;
  ctx.save();
  // The axes leave their own alignment behind.
  ctx.textAlign = 'left';
  ctx.textBaseline = 'alphabetic';
  ctx.font = `${FONT_SIZE * ratio}px ${FONT_FAMILY}`;
  for (const { kind, label, x, row, from } of marks) {
    const top = row === null ? bbox.top : row * ROW_HEIGHT * ratio;
    ctx.strokeStyle = ctx.fillStyle = colours[kind];
    ctx.setLineDash(kind === 'rebalance' ? [2, 4] : []);
    ctx.beginPath();
    ctx.moveTo(x * ratio, top);
    ctx.lineTo(x * ratio, bbox.top + bbox.height);
    ctx.stroke();
    if (row !== null) ctx.fillText(label, (from + LABEL_GAP) * ratio, top + FONT_SIZE * ratio);
  }
  ctx.restore();
}
