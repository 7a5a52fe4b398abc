import type uPlot from 'uplot';
import { placeMarks, type Mark } from './chart-marks.js';

export type MarkColours = Readonly<Record<Mark['kind'], string>>;

const FONT_SIZE = 11;
const ROW_HEIGHT = 14;

/** Draws a labelled vertical line for each mark; those of rebalances are dotted. */
export function drawMarks(plot: uPlot, marks: readonly Mark[], colours: MarkColours): void {
  const { ctx } = plot;
  const { left, top, width, height } = plot.bbox;
  ctx.save();
  // The axes leave their own alignment behind.
  ctx.textAlign = 'left';
  ctx.textBaseline = 'alphabetic';
  ctx.font = `${FONT_SIZE * devicePixelRatio}px system-ui, sans-serif`;
  const placed = placeMarks(marks, {
    left,
    right: left + width,
    toX: (at) => plot.valToPos(at, 'x', true),
    widthOf: (label) => ctx.measureText(label).width,
  });
  for (const { kind, label, x, row, labelX } of placed) {
    ctx.strokeStyle = ctx.fillStyle = colours[kind];
    ctx.setLineDash(kind === 'rebalance' ? [2, 4] : []);
    ctx.beginPath();
    ctx.moveTo(x, top);
    ctx.lineTo(x, top + height);
    ctx.stroke();
    if (row !== null) ctx.fillText(label, labelX, top + (FONT_SIZE + row * ROW_HEIGHT) * devicePixelRatio);
  }
  ctx.restore();
}
