import type { FaultCounts } from './fault-mix.js';

/**
 * Orders per segment. Large enough that the cost of a claim is negligible, small enough that two producers can share an
 * operation of a few seconds.
 */
export const SEGMENT_ORDERS = 50_000;

/** The process that may work on a part, until the lease expires or is renewed. */
export interface Lease {
  readonly owner: string;
  readonly expiresAt: Date;
}

/** A range of an operation's indexes that one process at a time emits, in order. */
export interface Segment {
  readonly from: number;
  /** One past the last index (exclusive). */
  readonly to: number;
  /** One past the last generated index. */
  readonly generatedTo: number;
  /** One past the last acknowledged index; Kafka has acknowledged all indexes from `from` up to it. The emission resumes here. */
  readonly ackedTo: number;
  /** Whether `ackedTo` has reached `to`. */
  readonly isDone: boolean;
  /** The injected faults among the acknowledged records. */
  readonly faults: FaultCounts;
  readonly lease: Lease | null;
  /** Number of claims. It fences writes of earlier lease holders, even of the same process. */
  readonly epoch: number;
}

const NO_FAULTS: FaultCounts = { poison: 0, oversized: 0, duplicate: 0, conflict: 0 };

/** Creates the segments of a new operation. */
export function createSegments(count: number): Segment[] {
  return Array.from({ length: Math.ceil(count / SEGMENT_ORDERS) }, (_, at) => {
    const from = at * SEGMENT_ORDERS;
    const to = Math.min(from + SEGMENT_ORDERS, count);
    return { from, to, generatedTo: from, ackedTo: from, isDone: false, faults: NO_FAULTS, lease: null, epoch: 0 };
  });
}

export function generatedOrders(segments: readonly Segment[]): number {
  return segments.reduce((sum, { from, generatedTo }) => sum + generatedTo - from, 0);
}

export function ackedOrders(segments: readonly Segment[]): number {
  return segments.reduce((sum, { from, ackedTo }) => sum + ackedTo - from, 0);
}

/** A range of indexes from `from` up to, but not including, `to`. */
export interface IndexRange {
  readonly from: number;
  readonly to: number;
}

/** Returns the acknowledged indexes as the fewest possible ranges, in order. */
export function ackedRanges(segments: readonly Segment[]): IndexRange[] {
  const ranges: { from: number; to: number }[] = [];
  for (const { from, ackedTo: to } of segments) {
    const last = ranges.at(-1);
    if (to === from) continue;
    if (last?.to === from) last.to = to;
    else ranges.push({ from, to });
  }
  return ranges;
}

/** Returns the lowest index that is not acknowledged; `undefined` if all are. */
export function firstUnacked(segments: readonly Segment[]): number | undefined {
  return segments.find(({ isDone }) => !isDone)?.ackedTo;
}
