import { Injectable } from '@nestjs/common';
import { Long } from 'mongodb';
import { deadLettersCollection, type DeadLetterState } from '#orders/dead-letters.js';
import { FULL_BLOCK_ORDERS as BLOCK, type OperationDocument } from '#orders/operation.js';
import { ordersCollection } from '#orders/orders-collection.js';
import { Mongo } from '#service/mongo.js';
import { Operations } from './operations.js';

/** How many errors are told of an operation. */
export const FIRST_ERRORS = 5;

interface FirstError {
  /** `null`: its record told none. */
  readonly index: number | null;
  readonly code: string;
  readonly message: string;
}

/**
 * How many of an operation's orders are in MongoDB: counted over the `number` index, never beside the inserts, where a
 * crash or a replay would make it drift. Blocks once found full are not counted again, so ten million saved orders cost
 * nothing, and an operation in progress the blocks it is working on.
 */
@Injectable()
export class OrderOutcomes {
  constructor(
    private readonly mongo: Mongo,
    private readonly operations: Operations,
  ) {}

  async saved(operation: OperationDocument): Promise<number> {
    const full = new Set(operation.fullBlocks);
    const newlyFull: number[] = [];
    let saved = 0;
    for (const block of begunBlocks(operation)) {
      const size = Math.min(BLOCK, operation.count - block * BLOCK);
      const found = full.has(block) ? size : await this.countNumbers(operation.firstNumber + block * BLOCK, size);
      saved += found;
      if (found === size && !full.has(block)) newlyFull.push(block);
    }
    if (newlyFull.length > 0) await this.operations.rememberFull(operation._id, newlyFull);
    return saved;
  }

  /**
   * Orders, not letters: an order that was sent again after a crash has several. Letters of extra records are no order's.
   */
  async deadLettered({ _id }: OperationDocument): Promise<number> {
    return this.ordersWithLetters(_id, ['pending', 'redriving']);
  }

  /** Orders whose letters somebody has discarded: they will never be saved. */
  async discarded({ _id }: OperationDocument): Promise<number> {
    return this.ordersWithLetters(_id, ['discarded']);
  }

  private async ordersWithLetters(operationId: string, states: DeadLetterState[]): Promise<number> {
    const [found] = await deadLettersCollection(this.mongo.db)
      .aggregate<{ orders: number }>(
        [
          {
            $match: {
              operationId,
              state: { $in: states },
              fault: { $nin: ['duplicate', 'conflict'] },
            },
          },
          { $group: { _id: '$index' } },
          { $count: 'orders' },
        ],
        { readConcern: { level: 'majority' } },
      )
      .toArray();
    return found?.orders ?? 0;
  }

  /** Why orders of it were dead-lettered: the first few, by index. */
  async firstErrors({ _id: operationId }: OperationDocument): Promise<FirstError[]> {
    const letters = await deadLettersCollection(this.mongo.db)
      .find({ operationId, state: { $in: ['pending', 'redriving'] } }, { readConcern: { level: 'majority' } })
      .sort({ index: 1 })
      .limit(FIRST_ERRORS)
      .toArray();
    return letters.map(({ index, error: { code, message } }) => ({ index, code, message }));
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

/** Places of the blocks of which anything may have been sent: the others hold nothing yet. */
function begunBlocks({ segments }: OperationDocument): Set<number> {
  const begun = new Set<number>();
  for (const { from, to, epoch } of segments) {
    // Whoever claimed it may have been killed before he told how far he came.
    const blocks = epoch === 0 ? 0 : Math.ceil(to / BLOCK) - Math.floor(from / BLOCK);
    for (let at = 0; at < blocks; at += 1) begun.add(Math.floor(from / BLOCK) + at);
  }
  return begun;
}
