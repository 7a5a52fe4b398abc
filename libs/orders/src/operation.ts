import type { Collection, Db } from 'mongodb';
import type { OrderBatch } from './generator.js';

/** What the operation does; imports and redrives come through the same topic and are followed the same way. */
export type OperationKind = 'populate' | 'import' | 'redrive';

/** Speaks of the emitting only: `succeeded` means that Kafka acknowledged all, not that all is saved. */
export type OperationStatus = 'running' | 'paused' | 'succeeded' | 'cancelled' | 'failed';

/** What somebody wants of a running operation: whoever emits it finishes the chunk in hand first. */
export type Interruption = 'pause' | 'cancel';

/**
 * A long-running emission, as MongoDB holds it: all that is needed to make its orders again and to go on after a crash.
 * `generated`, `acked`, `saved` and `deadLettered` are different things and never derived from each other.
 */
export interface OperationDocument extends Omit<OrderBatch, 'operationId'> {
  /** A UUID of version 7: ids sort by the time they were made. */
  readonly _id: string;
  readonly kind: OperationKind;
  readonly status: OperationStatus;
  /** Wanted, and not done yet; `null`, or absent: nothing. */
  readonly interruption?: Interruption | null;
  /** Orders per acknowledged batch, at the most. */
  readonly chunkSize: number;
  /** Orders per second since the start, on average; `null`: as fast as Kafka takes them. */
  readonly ratePerSecond: number | null;
  /** Where the schedule of `ratePerSecond` begins: the time at which the order with that index was due. Absent: at the next claim. */
  readonly schedule?: { readonly at: Date; readonly from: number } | null;
  /** What holds the emission up on purpose: the consumers are too far behind. */
  readonly waitingFor?: 'consumers' | null;
  /** Orders made so far. */
  readonly generated: number;
  /** Orders that Kafka has acknowledged: all those with an index below this one. Emission resumes here. */
  readonly acked: number;
  readonly requestedAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  /** Why it failed; `null` unless it did. */
  readonly error: { readonly code: string; readonly message: string } | null;
  /** Blocks of order numbers found full in the `orders` collection, by their place in the operation: see SavedCount. */
  readonly fullBlocks: readonly number[];
  /** Which process emits it, and until when it may; `null` once nobody has to. */
  readonly lease: { readonly owner: string; readonly expiresAt: Date } | null;
}

export function operationsCollection(db: Db): Collection<OperationDocument> {
  return db.collection<OperationDocument>('operations');
}

export async function ensureOperationIndexes(db: Db): Promise<void> {
  await operationsCollection(db).createIndexes([{ name: 'status_id', key: { status: 1, _id: 1 } }]);
}

/** What the generator needs of an operation. */
export function batchOf(operation: OperationDocument): OrderBatch {
  const { seed, count, firstNumber, accounts, from, to } = operation;
  return { operationId: operation._id, seed, count, firstNumber, accounts, from, to };
}
