import { Injectable } from '@nestjs/common';
import { type Binary, MongoBulkWriteError, type WriteError } from 'mongodb';
import type { ChunkPart } from '#orders/operation/acknowledged-chunks.js';
import { type IntakeBatch, intakeBatchesCollection } from '#orders/numbering/intake-batches.js';
import { forgetRecorded, reserveBlock, type ReservedBlock, unrecordedBlocks } from '#orders/numbering/number-blocks.js';
import { besideSettled, outsideOf } from '#orders/settled/settled-blocks.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { DUPLICATE_KEY, isDuplicateKey } from '#service/mongodb/mongo-errors.js';

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

const MAX_RESERVED_FOUND = 100;

/**
 * Stores the intake's reserved blocks and batches in MongoDB. Each call is atomic and durable when it resolves. After an error other than
 * those of an outcome, a call may have taken effect, or may still do so. `testing/intake-store.ts` has its contract.
 */
@Injectable()
export class MongoIntakeStore {
  constructor(private readonly mongo: Mongo) {}

  /** As `reserveBlock`. */
  async reserve(
    block: BlockRequest,
    recorded: readonly number[],
  ): Promise<{ first: number; unrecorded: readonly ReservedBlock[] }> {
    return reserveBlock(this.mongo.db, block, recorded);
  }

  async unrecorded(): Promise<readonly ReservedBlock[]> {
    return unrecordedBlocks(this.mongo.db);
  }

  /** Removes blocks from the unrecorded ones. */
  async forget(firsts: readonly number[]): Promise<void> {
    await forgetRecorded(this.mongo.db, firsts);
  }

  /** Stores the batches of one block in order: if one is not stored, none of the later ones is. */
  async insert(batches: readonly IntakeBatch[]): Promise<InsertOutcome> {
    const [only, ...others] = batches;
    try {
      // Nearly always one. A bulk costs the driver more.
      if (only !== undefined && others.length === 0) await this.batches.insertOne(only);
      else await this.batches.insertMany([...batches], { ordered: true });
      return 'stored';
    } catch (error) {
      const message = duplicateMessage(error);
      if (message === undefined) throw error;
      return message.includes('requests_key') ? 'key-used' : 'taken';
    }
  }

  /** Finds the batches that have one of the keys. */
  async findByKeys(keys: readonly string[]): Promise<IntakeBatch[]> {
    // `$exists` lets MongoDB use the partial index.
    return this.batches.find({ 'requests.key': { $in: [...keys], $exists: true } }).toArray();
  }

  /** Finds the batches whose first number is in a range; both ends are included. */
  async findInBlock(first: number, last: number): Promise<IntakeBatch[]> {
    return this.batches
      .find({ _id: { $gte: first, $lte: last } })
      .sort({ _id: 1 })
      .toArray();
  }

  /** Finds reserved batches, at most 100, ordered by number. */
  async findReserved(operationId: string): Promise<IntakeBatch[]> {
    return this.batches.find({ state: 'reserved', operationId }).sort({ _id: 1 }).limit(MAX_RESERVED_FOUND).toArray();
  }

  /** Marks reserved batches as acknowledged, and drops their values. Others stay as they are. */
  async acknowledge(batches: readonly AcknowledgedBatch[]): Promise<void> {
    const writes = batches.map(({ first, parts, orders }) => ({
      updateOne: {
        filter: { _id: first, state: 'reserved' as const },
        update: {
          $set: { state: 'acknowledged' as const, parts: [...parts], ...(orders !== undefined && { orders }) },
          $unset: { values: true as const },
        },
      },
    }));
    await this.batches.bulkWrite(writes, { ordered: false });
  }

  async figures(operationId: string): Promise<BatchFigures> {
    return besideSettled(this.mongo.db, operationId, async (settled) => {
      const [found] = await this.batches
        .aggregate<BatchFigures>([
          { $match: { operationId, state: { $ne: 'abandoned' }, ...outsideOf(settled, 'from') } },
          {
            $group: {
              _id: null,
              count: { $sum: '$count' },
              acked: { $sum: { $cond: [{ $eq: ['$state', 'acknowledged'] }, '$count', 0] } },
            },
          },
        ])
        .toArray();
      return { count: settled.count + (found?.count ?? 0), acked: settled.count + (found?.acked ?? 0) };
    });
  }

  private get batches() {
    return intakeBatchesCollection(this.mongo.db);
  }
}

/** What the store of the intake does; the simulation has one in memory. */
export type IntakeStore = Pick<MongoIntakeStore, keyof MongoIntakeStore>;

/** Returns the message of a duplicate key error; `undefined` for any other error, whose outcome is unknown. */
function duplicateMessage(error: unknown): string | undefined {
  if (error instanceof MongoBulkWriteError) {
    const [failure]: WriteError[] = [error.writeErrors].flat();
    if (error.result.getWriteConcernError() !== undefined || failure?.code !== DUPLICATE_KEY) return undefined;
    return failure.errmsg ?? '';
  }
  return isDuplicateKey(error) ? error.message : undefined;
}
