import type { PipelineResponse } from '../../src/pipeline/pipeline-response.js';
import { limitText } from '../text/figures.js';

type Change = PipelineResponse['changes'][number];

/** A vertical line in the chart. */
export interface Mark {
  /** Seconds since 1970. */
  readonly at: number;
  readonly kind: Change['kind'];
  readonly label: string;
}

/** A mark that is drawn. */
export interface PlacedMark extends Mark {
  readonly x: number;
  /** The label is at this row from the top and begins at `labelX`; `null`: there is no room for it. */
  readonly row: number | null;
  readonly labelX: number;
}

export interface MarkSpace {
  readonly left: number;
  readonly right: number;
  readonly toX: (at: number) => number;
  readonly widthOf: (label: string) => number;
}

/** Labels that would overlap are put below each other, in so many rows. */
const ROWS = 4;
const GAP = 6;

/** Converts changes to marks. */
export function toMarks(changes: readonly Change[]): Mark[] {
  return changes.map((change) => ({ at: Date.parse(change.at) / 1_000, kind: change.kind, label: labelOf(change) }));
}

/** Places the marks that are within the chart, so that no two labels overlap. */
export function placeMarks(marks: readonly Mark[], { left, right, toX, widthOf }: MarkSpace): PlacedMark[] {
  const rowEnds = Array.from({ length: ROWS }, () => left);
  const placed: PlacedMark[] = [];
  for (const mark of marks) {
    const x = toX(mark.at);
    if (x < left || x > right) continue;
    const width = widthOf(mark.label) + 2 * GAP;
    // Near the right edge the label is to the left of its line.
    const start = x + width <= right ? x : x - width;
    const row = rowEnds.findIndex((end) => end <= start);
    if (row >= 0) rowEnds[row] = start + width;
    placed.push({ ...mark, x, row: row < 0 ? null : row, labelX: start + GAP });
  }
  return placed;
}

function labelOf({ kind, from, to, verdict, crash }: Change): string {
  if (crash !== null) return `${crash.consumer} ${crash.hasReturned ? 'was silent' : 'died'}`;
  if (kind === 'rebalance' || from === null || to === null) return 'rebalance';
  const factor = verdict?.factor ? ` x${verdict.factor.toFixed(1)}` : '';
  if (from.consumers !== to.consumers) return `${from.consumers}→${to.consumers} consumers${factor}`;
  return `${limitText(from.inFlight)}→${limitText(to.inFlight)} in flight${factor}`;
}
