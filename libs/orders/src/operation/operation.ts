import type { Collection, Db } from 'mongodb';
import type { FaultCounts, FaultMix } from '../generator/fault-mix.js';
import type { PopulateInput } from '../generator/generator.js';

/** The status of publishing only: `succeeded` means that Kafka acknowledged all records, not that all orders are saved. */
type OperationStatus = 'running' | 'paused' | 'succeeded' | 'cancelled' | 'failed';

/** A request to interrupt a running operation. The producer that publishes it finishes its current chunk first. */
export type Interruption = 'pause' | 'cancel';

/**
 * A long-running operation in MongoDB: everything needed to reproduce its orders and to resume after a crash.
 * The counts of generated, acknowledged, saved and dead-lettered orders are independent; none is derived from another.
 */
interface BaseDocument {
  /** A UUID of version 7: ids sort by creation time. */
  readonly _id: string;
  readonly status: OperationStatus;
  /** A requested interruption that has not taken effect yet; `null` or absent if there is none. */
  readonly interruption?: Interruption | null;
  /** Number of orders; 0 until an import is read. */
  readonly count: number;
  /** The number of the order with index 0. */
  readonly firstNumber: number;
  /** Maximum number of orders per acknowledged batch. */
  readonly chunkSize: number;
  /** Average orders per second since the start; `null` means as fast as Kafka accepts them. */
  readonly ratePerSecond: number | null;
  /** Start of the `ratePerSecond` schedule: order `from` is due at `at`. If absent, the schedule starts at the next claim. */
  readonly schedule?: { readonly at: Date; readonly from: number } | null;
  /** Why publishing is throttled: `consumers` if the consumer lag is too high. */
  readonly waitingFor?: 'consumers' | null;
  /** The segments in index order; each is published by one process at a time. */
  readonly segments: readonly Segment[];
  readonly requestedAt: Date;
  /** The trace context of the request. Absent if the request was not traced. */
  readonly traceparent?: string;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  /** The reason of the failure; `null` unless the operation failed. */
  readonly error: { readonly code: string; readonly message: string } | null;
  /** Positions, in the operation, of the blocks of FULL_BLOCK_ORDERS orders that are known to be completely saved. */
  readonly fullBlocks: readonly number[];
  /** Sum of the saves that consumers have reported (`saved-reports.ts`). It never exceeds the number of saved orders. */
  readonly reportedSaved?: number;
  /** The highest count of its saved orders so far, read with read concern majority. Absent if never counted. */
  readonly countedSaved?: number;
  /** The background work that replaces the processing metadata of an ended operation by verified blocks. Absent before its first turn. */
  readonly compaction?: {
    readonly lease: Lease | null;
    readonly epoch: number;
    /** Not looked at before this time. */
    readonly nextAt?: Date;
  };
  /** When all of its processing metadata was compacted. Absent before. */
  readonly compactedAt?: Date;
}

/** An operation that generates test orders; each is a function of this document and its index. */
export interface PopulateDocument extends BaseDocument, Omit<PopulateInput, 'operationId'> {
  readonly kind: 'populate';
  /** `null` or absent if no faults are injected. */
  readonly faults?: FaultMix | null;
}

/** An operation that publishes orders of the legacy system from uploaded files. Once read, they are in the collection `importRows`. */
export interface ImportDocument extends BaseDocument {
  readonly kind: 'import';
  /** `null` once all files are read; then the number block is reserved and publishing begins. */
  readonly reading: { readonly lease: Lease | null; readonly epoch: number } | null;
  /** The totals of its manifest, stored before its files are removed from it. Absent before. */
  readonly manifestTotals?: ManifestTotals;
}

/** A filter of dead letters. The conditions are combined with AND; an empty filter matches all of them. */
export interface DeadLetterFilter {
  /** Matches exactly one dead letter, by its id. */
  readonly id?: string;
  readonly errorCode?: string;
  readonly operationId?: string;
}

/** Counts of a redrive's dead letters by state. */
export interface RedriveCounts {
  /** Dead letters sent to the orders topic: `saved + returned + missing + waiting`. */
  readonly moved: number;
  readonly saved: number;
  readonly returned: number;
  readonly missing: number;
  /** Sent, but not yet committed by the consumers. */
  readonly waiting: number;
  readonly unmovable: number;
  /** Claimed by the redrive, but not sent yet. */
  readonly unsent: number;
}

/** An operation that sends dead letters to the orders topic again. It has no orders and no numbers of its own: `count` is 0. */
export interface RedriveDocument extends BaseDocument {
  readonly kind: 'redrive';
  readonly filter: DeadLetterFilter;
  /** Number of dead letters that the redrive has claimed; 0 before that. */
  readonly letters: number;
  /** Maximum number of dead letters to claim; `null` means all. */
  readonly limit: number | null;
  /** Limits redrive loops: dead letters that were redriven this often are skipped. */
  readonly maxRedrives: number;
  /** Final counts, once the outcome of every dead letter is known. */
  readonly ended?: RedriveCounts;
  /** `null` once `ended` is set. */
  readonly redriving: {
    readonly lease: Lease | null;
    readonly epoch: number;
    /** Whether the dead letters are claimed. */
    readonly isSelected: boolean;
  } | null;
}

/**
 * The orders that one producer process received on one UTC day. Its orders have indexes from 0 on, which may have gaps, and their
 * numbers are in blocks: `intake-batches.ts` has both. So `firstNumber` is 0, and there are no segments.
 */
export interface IntakeDocument extends BaseDocument {
  readonly kind: 'intake';
  /** When it was opened. 0.1.0 reads both of every operation that is no import: without them its list of operations fails after a way back. */
  readonly from?: Date;
  readonly to?: Date;
  /** Orders that Kafka has acknowledged, of the `count` orders that are stored in batches. Both are up to 1 s old. */
  readonly acked: number;
  /** `null` once the operation is closed and every batch is acknowledged or abandoned. */
  readonly receiving: { readonly lease: Lease | null; readonly epoch: number } | null;
}

/** Size of the blocks in which saved orders are counted. A block that is completely saved is never counted again. */
export const FULL_BLOCK_ORDERS = 100_000;

/** The operations that publish a known sequence of orders in segments. Their numbers follow each other. */
export type SegmentedDocument = PopulateDocument | ImportDocument;
/** The operations that have their own orders and order numbers. */
export type OrdersDocument = SegmentedDocument | IntakeDocument;
export type OperationDocument = OrdersDocument | RedriveDocument;

export const OPERATION_KINDS = [
  'populate',
  'import',
  'intake',
  'redrive',
] as const satisfies OperationDocument['kind'][];

export function hasOrders(operation: OperationDocument): operation is OrdersDocument {
  return operation.kind !== 'redrive';
}

export function isSegmented(operation: OperationDocument): operation is SegmentedDocument {
  return operation.kind === 'populate' || operation.kind === 'import';
}

/** Returns the number of orders that Kafka has acknowledged. */
export function ackedCount(operation: OperationDocument): number {
  return operation.kind === 'intake' ? operation.acked : ackedOrders(operation.segments);
}

export function operationsCollection(db: Db): Collection<OperationDocument> {
  return db.collection<OperationDocument>('operations');
}

/** Returns the generator's input for an operation. */
export function populateInputOf(operation: PopulateDocument): PopulateInput {
  const { seed, count, firstNumber, accounts, from, to } = operation;
  return { operationId: operation._id, seed, count, firstNumber, accounts, from, to };
}

/** Sums the faults among the acknowledged records. */
export function ackedFaults({ segments }: OperationDocument): FaultCounts {
  const sum = { poison: 0, oversized: 0, duplicate: 0, conflict: 0 };
  for (const { faults } of segments) {
    sum.poison += faults.poison;
    sum.oversized += faults.oversized;
    sum.duplicate += faults.duplicate;
    sum.conflict += faults.conflict;
  }
  return sum;
}

/** Counts of file rows by result. `rows` is the sum of the other four. */
export interface RowCounts {
  readonly rows: number;
  /** Rows that became orders of the import. */
  readonly accepted: number;
  /** Orders that exist already with the same content. */
  readonly skipped: number;
  /** Orders that exist already with different content; they are set aside. */
  readonly conflicting: number;
  /** Rows that are not valid orders; they are set aside. */
  readonly malformed: number;
}

/** `known`: an earlier import contained the same file, byte for byte, so this one is not read. */
export type FileState = 'waiting' | 'reading' | 'read' | 'refused' | 'known';

export interface ManifestTotals extends RowCounts {
  readonly files: Readonly<Record<FileState | 'total', number>>;
}

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

/** A range of an operation's indexes that one process at a time publishes, in order. */
export interface Segment {
  readonly from: number;
  /** One past the last index (exclusive). */
  readonly to: number;
  /** One past the last generated index. */
  readonly generatedTo: number;
  /** One past the last acknowledged index; Kafka has acknowledged all indexes from `from` up to it. Publishing resumes here. */
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
