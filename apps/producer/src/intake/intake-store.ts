import type { Binary } from 'mongodb';
import type { IntakeBatch } from '#orders/numbering/intake-batches.js';
import type { ReservedBlock } from '#orders/numbering/number-blocks.js';
import type { ChunkPart } from '#orders/operation/acknowledged-chunks.js';

/** A block of numbers that is not reserved yet. */
export type BlockRequest = Omit<ReservedBlock, 'first'>;

/**
 * - `stored`: all batches are durable
 * - `taken`: none is, because another process has abandoned the block
 * - `key-used`: none is, because another batch has one of the keys
 */
export type InsertOutcome = 'stored' | 'taken' | 'key-used';

export interface AcknowledgedBatch {
  readonly first: number;
  readonly parts: readonly ChunkPart[];
  /** The orders with other partitions than stored, if the batch was sent again. */
  readonly orders?: Binary;
}

/** Figures of an operation's batches. */
export interface BatchFigures {
  /** Orders of batches that are not abandoned. */
  readonly count: number;
  readonly acked: number;
}

/**
 * Stores reserved blocks and batches. Each call is atomic and durable when it resolves. After an error other than those of an outcome,
 * a call may have taken effect, or may still do so. `testing/intake-store-contract.ts` is its contract.
 */
export interface IntakeStore {
  /** As `reserveBlock`. */
  reserve(
    block: BlockRequest,
    recorded: readonly number[],
  ): Promise<{ first: number; unrecorded: readonly ReservedBlock[] }>;
  unrecorded(): Promise<readonly ReservedBlock[]>;
  /** Removes blocks from the unrecorded ones. */
  forget(firsts: readonly number[]): Promise<void>;
  /** Stores the batches of one block in order: if one is not stored, none of the later ones is. */
  insert(batches: readonly IntakeBatch[]): Promise<InsertOutcome>;
  /** Finds the batches that have one of the keys. */
  findByKeys(keys: readonly string[]): Promise<IntakeBatch[]>;
  /** Finds the batches whose first number is in a range; both ends are included. */
  findInBlock(first: number, last: number): Promise<IntakeBatch[]>;
  /** Finds reserved batches, at most 100, ordered by number. */
  findReserved(operationId: string): Promise<IntakeBatch[]>;
  /** Marks reserved batches as acknowledged, and drops their values. Others stay as they are. */
  acknowledge(batches: readonly AcknowledgedBatch[]): Promise<void>;
  figures(operationId: string): Promise<BatchFigures>;
}
