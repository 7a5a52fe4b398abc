import { Injectable } from '@nestjs/common';
import { ArchivedList } from '#orders/archive/archived-ranges.js';
import { deadLettersCollection } from '#orders/dead-letter/dead-letters.js';
import {
  FULL_BLOCK_ORDERS as BLOCK,
  type IntakeDocument,
  type OperationDocument,
  type OrdersDocument,
} from '#orders/operation/operation.js';
import { countSaved } from '#orders/operation/saved-count.js';
import {
  blocksOf,
  outsideOf,
  settledBlocksCollection,
  settledTotals,
  type SettledTotals,
} from '#orders/settled/settled-blocks.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { Operations } from './operations.js';
import { countReceivedSaved } from './received-orders.js';

/** Maximum number of errors returned for an operation. */
export const FIRST_ERRORS = 5;

/** Orders of an operation with a pending dead letter, and orders whose dead letters were discarded. */
export interface LetterCounts {
  readonly deadLettered: number;
  readonly discarded: number;
}

interface FirstError {
  /** `null` if the record has no index. */
  readonly index: number | null;
  readonly code: string;
  readonly message: string;
}

/** Counts the outcomes of an operation's orders, by majority reads. */
@Injectable()
export class OrderOutcomes {
  constructor(
    private readonly mongo: Mongo,
    private readonly operations: Operations,
    private readonly archived: ArchivedList,
  ) {}

  /**
   * Counts the saved orders exactly, over the `number` index, and stores the count. It reads one index key per order, except in
   * blocks that are settled, or already known as full: only such blocks can be archived. That is too expensive for progress; use it at the end of an operation.
   */
  async countSaved(operation: OrdersDocument): Promise<number> {
    if (operation.kind === 'intake') return this.countReceived(operation);
    const full = new Set(operation.fullBlocks);
    const settled = await this.savedInSettled(operation);
    const newlyFull: number[] = [];
    let saved = 0;
    for (const block of startedBlocks(operation)) {
      const from = block * BLOCK;
      const size = Math.min(BLOCK, operation.count - from);
      const known = full.has(block) ? size : settled.get(from);
      const found = known ?? (await countSaved(this.mongo.db, operation, { from, to: from + size }));
      saved += found;
      if (found === size && !full.has(block)) newlyFull.push(block);
    }
    await this.operations.storeCount(operation._id, saved, newlyFull);
    return saved;
  }

  /** Returns the saved orders of each settled block, by its first index. */
  private async savedInSettled({ _id }: OrdersDocument): Promise<Map<number, number>> {
    const blocks = await settledBlocksCollection(this.mongo.db)
      .find(blocksOf(_id))
      .project<{ _id: { from: number }; saved: number }>({ saved: 1 })
      .toArray();
    return new Map(blocks.map(({ _id: { from }, saved }) => [from, saved]));
  }

  /** Counts the archived orders of an operation. They are among the saved ones. */
  async countArchived({ _id }: OperationDocument): Promise<number> {
    const archived = await this.archived.fresh();
    return archived.rangesOf(_id).reduce((sum, { count }) => sum + count, 0);
  }

  private async countReceived({ _id }: IntakeDocument): Promise<number> {
    const saved = await countReceivedSaved(this.mongo.db, _id);
    await this.operations.storeCount(_id, saved, []);
    return saved;
  }

  /**
   * Counts orders, not letters: an order that was sent again after a crash can have several. Skips letters of extra records. Those of
   * settled blocks may be removed already: their block has the count.
   */
  async letters({ _id: operationId }: OperationDocument): Promise<LetterCounts> {
    const settled = await settledTotals(this.mongo.db, operationId);
    const waits = { $in: ['$state', ['pending', 'redriving']] };
    const [found] = await deadLettersCollection(this.mongo.db)
      .aggregate<LetterCounts>(
        [
          {
            $match: {
              operationId,
              ...unsettled(settled),
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
    return { deadLettered: found?.deadLettered ?? 0, discarded: (found?.discarded ?? 0) + settled.discarded };
  }

  /** Returns the errors of the first dead letters, by order index. */
  async firstErrors({ _id: operationId }: OperationDocument): Promise<FirstError[]> {
    const letters = await deadLettersCollection(this.mongo.db)
      .find({ operationId, state: { $in: ['pending', 'redriving'] } }, { readConcern: { level: 'majority' } })
      .sort({ index: 1 })
      .limit(FIRST_ERRORS)
      .toArray();
    return letters.map(({ index, error: { code, message } }) => ({ index, code, message }));
  }
}

/** Matches letters that wait, wherever they are, and discarded ones outside of the settled blocks. */
function unsettled(settled: Pick<SettledTotals, 'ranges'>): object {
  const waiting = { state: { $in: ['pending', 'redriving'] } };
  return { $or: [waiting, { state: 'discarded', ...outsideOf(settled, 'index') }] };
}

/** Returns the indexes of blocks that may have orders, because their segment was claimed. */
function startedBlocks({ segments }: OperationDocument): Set<number> {
  const started = new Set<number>();
  for (const { from, to, epoch } of segments) {
    // The process that claimed it may have crashed before it stored progress, so the whole segment counts.
    const blocks = epoch === 0 ? 0 : Math.ceil(to / BLOCK) - Math.floor(from / BLOCK);
    for (let at = 0; at < blocks; at += 1) started.add(Math.floor(from / BLOCK) + at);
  }
  return started;
}
