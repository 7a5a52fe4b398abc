import type uPlot from 'uplot';
import { LABEL_GAP, type Mark, type PlacedMark } from './chart-marks.js';

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
