import type { FaultCounts } from './fault-mix.js';

/**
 * Orders of a segment. Large enough that claiming one costs nothing beside emitting it, small enough that two producers
 * share an operation that lasts a few seconds.
 */
export const SEGMENT_ORDERS = 50_000;

/** Which process works on a part, and until when it may, unless it renews. */
export interface Lease {
  readonly owner: string;
  readonly expiresAt: Date;
}

/** A range of an operation's indexes that one process at a time emits, in order. */
export interface Segment {
  readonly from: number;
  /** One past its last index. */
  readonly to: number;
  /** One past the last index that was made. */
  readonly generatedTo: number;
  /** One past the last index that Kafka acknowledged: all before it, from `from` on, are. Emission resumes here. */
  readonly ackedTo: number;
  /** `ackedTo` has come to `to`. */
  readonly isDone: boolean;
  /** The faults among what is acknowledged. */
  readonly faults: FaultCounts;
  readonly lease: Lease | null;
  /** Counts the claims: what an earlier holder still wants to write, even one of the same process, is refused by it. */
  readonly epoch: number;
}

const NO_FAULTS: FaultCounts = { poison: 0, oversized: 0, duplicate: 0, conflict: 0 };

/** The segments of an operation that nothing is emitted of. */
export function segmentsOf(count: number): Segment[] {
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

/** A range of indexes: `from` up to, but not including, `to`. */
export interface IndexRange {
  readonly from: number;
  readonly to: number;
}

/** What is acknowledged, as few ranges as possible, in order. */
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

/** The lowest index that isn't acknowledged; `undefined`: all are. */
export function firstUnacked(segments: readonly Segment[]): number | undefined {
  return segments.find(({ isDone }) => !isDone)?.ackedTo;
}
