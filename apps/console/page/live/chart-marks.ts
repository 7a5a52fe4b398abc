import type uPlot from 'uplot';
import type { ReportedChange } from '../../src/pipeline/pipeline-response.js';
import { limitText } from '../figures.js';

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
  const factor = verdict?.factor ? ` x${verdict.factor.toFixed(1)}` : '';
  if (from.consumers !== to.consumers) return `${from.consumers}→${to.consumers} consumers${factor}`;
  return `${limitText(from.inFlight)}→${limitText(to.inFlight)} in flight${factor}`;
}

export type MarkColours = Readonly<Record<Mark['kind'], string>>;

const FONT_SIZE = 11;
const ROW_HEIGHT = 14;
/** Above the plot, so that its uppermost label is not cut. */
const MIN_BAND = 16;
const FONT_FAMILY = 'system-ui, sans-serif';

/** Returns the height of the band above the plot for so many rows of labels, in CSS pixels. */
export function bandHeight(rows: number): number {
  return Math.max(MIN_BAND, rows * ROW_HEIGHT + LABEL_GAP);
}

/** Measures a label, in CSS pixels. */
export function labelWidth({ ctx }: uPlot, label: string): number {
  ctx.save();
  ctx.font = `${FONT_SIZE}px ${FONT_FAMILY}`;
  const { width } = ctx.measureText(label);
  ctx.restore();
  return width;
}

/** Draws a labelled vertical line for each mark; those of rebalances are dotted. */
export function drawMarks({ ctx, bbox }: uPlot, marks: readonly PlacedMark[], colours: MarkColours): void {
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
