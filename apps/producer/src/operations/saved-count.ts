import { Injectable } from '@nestjs/common';
import { Long } from 'mongodb';
import { deadLettersCollection } from '#orders/dead-letters.js';
import type { OperationDocument } from '#orders/operation.js';
import { ordersCollection } from '#orders/orders-collection.js';
import { Mongo } from '#service/mongo.js';
import { Operations } from './operations.js';

/** Order numbers counted at once, and remembered once all of them are there. */
const BLOCK = 100_000;

/**
 * How many of an operation's orders are in MongoDB: counted over the `number` index, never beside the inserts, where a
 * crash or a replay would make it drift. Blocks once found full are not counted again, so ten million saved orders cost
 * nothing, and an operation in progress the blocks it is working on.
 */
@Injectable()
export class SavedCount {
  constructor(
    private readonly mongo: Mongo,
    private readonly operations: Operations,
  ) {}

  async saved(operation: OperationDocument): Promise<number> {
    const full = new Set(operation.fullBlocks);
    const newlyFull: number[] = [];
    let saved = 0;
    for (let block = 0; block * BLOCK < operation.acked || block * BLOCK < operation.generated; block += 1) {
      const size = Math.min(BLOCK, operation.count - block * BLOCK);
      const found = full.has(block) ? size : await this.countNumbers(operation.firstNumber + block * BLOCK, size);
      saved += found;
      if (found === size && !full.has(block)) newlyFull.push(block);
    }
    if (newlyFull.length > 0) await this.operations.rememberFull(operation._id, newlyFull);
    return saved;
  }

  async deadLettered(operation: OperationDocument): Promise<number> {
    return deadLettersCollection(this.mongo.db).countDocuments({
      operationId: operation._id,
      state: { $in: ['pending', 'redriving'] },
    });
  }

  /** The `count` command walks index keys alone; an aggregation (`countDocuments`) does several times the work. */
  private async countNumbers(first: number, size: number): Promise<number> {
    const { n } = await this.mongo.db.command({
      count: ordersCollection(this.mongo.db).collectionName,
      query: { number: { $gte: Long.fromNumber(first), $lt: Long.fromNumber(first + size) } },
      hint: 'number',
      readConcern: { level: 'majority' },
    });
    return Number(n);
  }
}
