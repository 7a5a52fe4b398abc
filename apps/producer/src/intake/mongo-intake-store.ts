import { Injectable } from '@nestjs/common';
import { MongoBulkWriteError, MongoServerError, type WriteError } from 'mongodb';
import { intakeBatchesCollection, type IntakeBatch } from '#orders/numbering/intake-batches.js';
import { forgetRecorded, reserveBlock, unrecordedBlocks, type ReservedBlock } from '#orders/numbering/number-blocks.js';
import { besideSettled, outsideOf } from '#orders/settled/settled-blocks.js';
import { Mongo } from '#service/mongodb/mongo.js';
import type { AcknowledgedBatch, BatchFigures, BlockRequest, InsertOutcome, IntakeStore } from './intake-store.js';

const DUPLICATE_KEY = 11000;
const MAX_RESERVED_FOUND = 100;

/** The intake's reserved blocks and batches in MongoDB. */
@Injectable()
export class MongoIntakeStore implements IntakeStore {
  constructor(private readonly mongo: Mongo) {}

  async reserve(
    block: BlockRequest,
    recorded: readonly number[],
  ): Promise<{ first: number; unrecorded: readonly ReservedBlock[] }> {
    return reserveBlock(this.mongo.db, block, recorded);
  }

  async unrecorded(): Promise<readonly ReservedBlock[]> {
    return unrecordedBlocks(this.mongo.db);
  }

  async forget(firsts: readonly number[]): Promise<void> {
    await forgetRecorded(this.mongo.db, firsts);
  }

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

  async findByKeys(keys: readonly string[]): Promise<IntakeBatch[]> {
    // `$exists` lets MongoDB use the partial index.
    return this.batches.find({ 'requests.key': { $in: [...keys], $exists: true } }).toArray();
  }

  async findInBlock(first: number, last: number): Promise<IntakeBatch[]> {
    return this.batches
      .find({ _id: { $gte: first, $lte: last } })
      .sort({ _id: 1 })
      .toArray();
  }

  async findReserved(operationId: string): Promise<IntakeBatch[]> {
    return this.batches.find({ state: 'reserved', operationId }).sort({ _id: 1 }).limit(MAX_RESERVED_FOUND).toArray();
  }

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

/** Returns the message of a duplicate key error; `undefined` for any other error, whose outcome is unknown. */
function duplicateMessage(error: unknown): string | undefined {
  if (error instanceof MongoBulkWriteError) {
    const [failure]: WriteError[] = [error.writeErrors].flat();
    if (error.result.getWriteConcernError() !== undefined || failure?.code !== DUPLICATE_KEY) return undefined;
    return failure.errmsg ?? '';
  }
  return error instanceof MongoServerError && error.code === DUPLICATE_KEY ? error.message : undefined;
}
