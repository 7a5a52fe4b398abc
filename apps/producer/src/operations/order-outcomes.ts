import { Injectable } from '@nestjs/common';
import { Long } from 'mongodb';
import { deadLettersCollection } from '#orders/dead-letters.js';
import { FULL_BLOCK_ORDERS as BLOCK, type OperationDocument } from '#orders/operation.js';
import { ordersCollection } from '#orders/orders-collection.js';
import { Mongo } from '#service/mongo.js';
import { Operations } from './operations.js';

/** How many errors are told of an operation. */
export const FIRST_ERRORS = 5;

/** Orders of an operation that wait among the dead letters, and those that were discarded: neither is ever saved. */
export interface LetterCounts {
  readonly deadLettered: number;
  readonly discarded: number;
}

interface FirstError {
  /** `null`: its record told none. */
  readonly index: number | null;
  readonly code: string;
  readonly message: string;
}

/** What became of an operation's orders, by majority reads. */
@Injectable()
export class OrderOutcomes {
  constructor(
    private readonly mongo: Mongo,
    private readonly operations: Operations,
  ) {}

  /**
   * Counts the saved orders exactly, over the `number` index, and stores the count. It reads one index key for each order, except for
   * blocks that were full before: too expensive for progress, and meant for the end of an operation.
   */
  async countSaved(operation: OperationDocument): Promise<number> {
    const full = new Set(operation.fullBlocks);
    const newlyFull: number[] = [];
    let saved = 0;
    for (const block of begunBlocks(operation)) {
      const size = Math.min(BLOCK, operation.count - block * BLOCK);
      const found = full.has(block) ? size : await this.countNumbers(operation.firstNumber + block * BLOCK, size);
      saved += found;
      if (found === size && !full.has(block)) newlyFull.push(block);
    }
    await this.operations.rememberCount(operation._id, saved, newlyFull);
    return saved;
  }

  /** Counts orders, not letters: an order that was sent again after a crash has several. Letters of extra records are no order's. */
  async letters({ _id: operationId }: OperationDocument): Promise<LetterCounts> {
    const waits = { $in: ['$state', ['pending', 'redriving']] };
    const [found] = await deadLettersCollection(this.mongo.db)
      .aggregate<LetterCounts>(
        [
          {
            $match: {
              operationId,
              state: { $in: ['pending', 'redriving', 'discarded'] },
              fault: { $nin: ['duplicate', 'conflict'] },
            },
          },
          { $group: { _id: '$index', waits: { $max: waits } } },
          {
            $group: {
              _id: null,
              deadLettered: { $sum: { $cond: ['$waits', 1, 0] } },
              discarded: { $sum: { $cond: ['$waits', 0, 1] } },
            },
          },
        ],
        { readConcern: { level: 'majority' } },
      )
      .toArray();
    return { deadLettered: found?.deadLettered ?? 0, discarded: found?.discarded ?? 0 };
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
