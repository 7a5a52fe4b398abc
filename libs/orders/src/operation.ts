import type { Collection, Db } from 'mongodb';
import type { FaultCounts, FaultMix } from './fault-mix.js';
import type { OrderBatch } from './generator.js';
import type { Lease, Segment } from './segments.js';

/** Speaks of the emitting only: `succeeded` means that Kafka acknowledged all, not that all is saved. */
export type OperationStatus = 'running' | 'paused' | 'succeeded' | 'cancelled' | 'failed';

/** What somebody wants of a running operation: whoever emits it finishes the chunk in hand first. */
export type Interruption = 'pause' | 'cancel';

/**
 * A long-running emission, as MongoDB holds it: all that is needed to make its orders again and to go on after a crash.
 * Generated, acknowledged, saved and dead-lettered are different things and never derived from each other.
 */
interface EmissionDocument {
  /** A UUID of version 7: ids sort by the time they were made. */
  readonly _id: string;
  readonly status: OperationStatus;
  /** Wanted, and not done yet; `null`, or absent: nothing. */
  readonly interruption?: Interruption | null;
  /** How many orders it has; 0 while an import isn't read yet. */
  readonly count: number;
  /** The number of the order with index 0. */
  readonly firstNumber: number;
  /** Orders per acknowledged batch, at the most. */
  readonly chunkSize: number;
  /** Orders per second since the start, on average; `null`: as fast as Kafka takes them. */
  readonly ratePerSecond: number | null;
  /** Where the schedule of `ratePerSecond` begins: the time at which the order with that index was due. Absent: at the next claim. */
  readonly schedule?: { readonly at: Date; readonly from: number } | null;
  /** What holds the emission up on purpose: the consumers are too far behind. */
  readonly waitingFor?: 'consumers' | null;
  /** Its parts, in the order of their indexes, each emitted by one process at a time. */
  readonly segments: readonly Segment[];
  readonly requestedAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  /** Why it failed; `null` unless it did. */
  readonly error: { readonly code: string; readonly message: string } | null;
  /** Blocks of FULL_BLOCK_ORDERS that were found full in the `orders` collection, by their place in the operation. */
  readonly fullBlocks: readonly number[];
  /** Sum of the saves that consumers have reported (`saved-reports.ts`). Never exceeds what is saved. */
  readonly reportedSaved?: number;
  /** The highest majority count of its saved orders so far. Absent: never counted. */
  readonly countedSaved?: number;
}

/** Fake orders, each a function of this document and its index. */
export interface PopulateDocument extends EmissionDocument, Omit<OrderBatch, 'operationId'> {
  readonly kind: 'populate';
  /** `null`, or absent: none. */
  readonly faults?: FaultMix | null;
}

/** Orders of the legacy system, from files that were handed in; they stand in the collection `importRows` once read. */
export interface ImportDocument extends EmissionDocument {
  readonly kind: 'import';
  /** `null` once all files are read: then the block of numbers is reserved, and the emission begins. */
  readonly reading: { readonly lease: Lease | null; readonly epoch: number } | null;
}

/** Which dead letters are meant. All that is given must hold; nothing given: all of them. */
export interface DeadLetterFilter {
  /** Exactly one, by its identity. */
  readonly id?: string;
  readonly errorCode?: string;
  readonly operationId?: string;
}

/** How many letters of a redrive are where. */
export interface RedriveCounts {
  /** Sent, and on the topic of the orders: `saved + returned + missing + waiting`. */
  readonly moved: number;
  readonly saved: number;
  readonly returned: number;
  readonly missing: number;
  /** Sent, and the consumers are not past them yet. */
  readonly waiting: number;
  readonly unmovable: number;
  /** Taken, and not sent yet. */
  readonly unsent: number;
}

/** Dead letters that are sent to the topic of the orders again. It has no orders of its own, and no numbers: `count` is 0. */
export interface RedriveDocument extends EmissionDocument {
  readonly kind: 'redrive';
  readonly filter: DeadLetterFilter;
  /** How many were taken; 0 while they are not. */
  readonly letters: number;
  /** Letters that are taken, at the most; `null`: all. */
  readonly limit: number | null;
  /** Letters that were redriven so often already are left alone. */
  readonly maxRedrives: number;
  /** How its letters ended, once that is known of all. */
  readonly ended?: RedriveCounts;
  /** `null` from then on. */
  readonly redriving: {
    readonly lease: Lease | null;
    readonly epoch: number;
    /** The letters are taken. */
    readonly isSelected: boolean;
  } | null;
}

/** Orders that are counted at once, and remembered once all of them are saved. */
export const FULL_BLOCK_ORDERS = 100_000;

/** Those that have orders, and numbers for them. */
export type EmittedDocument = PopulateDocument | ImportDocument;
export type OperationDocument = EmittedDocument | RedriveDocument;

export function isEmitted(operation: OperationDocument): operation is EmittedDocument {
  return operation.kind !== 'redrive';
}

export function operationsCollection(db: Db): Collection<OperationDocument> {
  return db.collection<OperationDocument>('operations');
}

export async function ensureOperationIndexes(db: Db): Promise<void> {
  await operationsCollection(db).createIndexes([
    { name: 'status_id', key: { status: 1, _id: 1 } },
    // Whose an order number is.
    { name: 'firstNumber', key: { firstNumber: 1 } },
  ]);
}

/** What the generator needs of an operation. */
export function batchOf(operation: PopulateDocument): OrderBatch {
  const { seed, count, firstNumber, accounts, from, to } = operation;
  return { operationId: operation._id, seed, count, firstNumber, accounts, from, to };
}

/** Faults of the acknowledged part. */
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
