import { HttpStatus, Injectable } from '@nestjs/common';
import { type Collection, type Filter, UUID } from 'mongodb';
import { ArchivedIds } from '#orders/archive/archived-ids.js';
import {
  type DeadLetterDocument,
  deadLettersCollection,
  type RedriveOutcome,
} from '#orders/dead-letter/dead-letters.js';
import type { DeadLetterFilter, RedriveDocument } from '#orders/operation/operation.js';
import { ordersCollection } from '#orders/order/order-document.js';
import { Problem } from '#service/http/problem.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { toMongoFilter } from '../dead-letters/dead-letter-api.js';
import type { RedrivePlan } from './redrive-request.js';

/** Maximum number of dead letters that are written at once. */
const BATCH = 1_000;

/** The position of a dead letter's new record on the orders topic. */
export interface SentLetter {
  readonly id: string;
  readonly partition: number;
  readonly offset: number;
  readonly orderId: string | null;
}

/**
 * Stores the dead letters of redrives in MongoDB. All figures of a redrive are computed from the tries in its dead letters. So a crash
 * between two writes can send a record twice, which is harmless because of the order id, but it can never make a count wrong.
 */
@Injectable()
export class RedrivenLetters {
  constructor(
    private readonly mongo: Mongo,
    private readonly archived: ArchivedIds,
  ) {}

  async plan(filter: DeadLetterFilter, limit: number | null, maxRedrives: number): Promise<RedrivePlan> {
    const groups = await this.collection
      .aggregate<{ _id: string; count: number }>([
        { $match: isSelectable(filter, maxRedrives) },
        { $sort: { _id: 1 } },
        ...(limit === null ? [] : [{ $limit: limit }]),
        { $group: { _id: '$error.code', count: { $sum: 1 } } },
        { $sort: { count: -1, _id: 1 } },
      ])
      .toArray();
    const errors = groups.map(({ _id: errorCode, count }) => ({ errorCode, count }));
    const letters = errors.reduce((sum, { count }) => sum + count, 0);
    const spent = { state: 'pending', ...toMongoFilter(filter), redrives: { $gte: maxRedrives } } as const;
    return { letters, spent: await this.collection.countDocuments(spent), errors };
  }

  /** Selects the dead letters for a redrive; repeatable. @returns the total number of selected dead letters */
  async select({ _id, filter, limit, maxRedrives, requestedAt }: RedriveDocument): Promise<number> {
    const open = { operationId: _id, at: requestedAt, sent: null, orderId: null, outcome: null, endedAt: null };
    const own = async () => this.collection.countDocuments({ 'tries.operationId': _id });
    let selected = await own();
    for (let last: string | undefined; ;) {
      const left = Math.min(BATCH, (limit ?? Number.MAX_SAFE_INTEGER) - selected);
      const ids =
        left <= 0 ? [] : await this.selectableIds({ ...isSelectable(filter, maxRedrives), ...after(last) }, left);
      // Counted again, because concurrent writes may have changed the number.
      if (ids.length === 0) return own();
      last = ids.at(-1);
      const { modifiedCount } = await this.collection.updateMany(
        // Another redrive may have selected them meanwhile.
        { _id: { $in: ids }, state: 'pending' },
        { $set: { state: 'redriving' }, $inc: { redrives: 1 }, $push: { tries: open } },
      );
      selected += modifiedCount;
    }
  }

  /** Returns up to `count` unsent dead letters, ordered by their position on the dead-letter topic. */
  async unsent(id: string, count: number): Promise<DeadLetterDocument[]> {
    return this.collection
      .find({ state: 'redriving', tries: { $elemMatch: { operationId: id, outcome: null, sent: null } } })
      .sort({ 'letter.partition': 1, 'letter.offset': 1 })
      .limit(count)
      .toArray();
  }

  /** Releases the unsent dead letters: they are pending again. */
  async releaseUnsent(id: string): Promise<void> {
    const unsent = { operationId: id, outcome: null, sent: null };
    await this.collection.updateMany(
      { state: 'redriving', tries: { $elemMatch: unsent } },
      { $set: { state: 'pending' }, $inc: { redrives: -1 }, $pull: { tries: unsent } },
    );
  }

  async markSent(id: string, sent: readonly SentLetter[]): Promise<void> {
    const updates = sent.map(({ id: _id, orderId, ...position }) => ({
      updateOne: {
        filter: { _id, tries: { $elemMatch: { operationId: id, outcome: null } } },
        update: { $set: { 'tries.$.sent': position, 'tries.$.orderId': orderId } },
      },
    }));
    if (updates.length > 0) await this.collection.bulkWrite(updates, { ordered: false });
  }

  /** Ends dead letters that cannot be sent; they stay dead letters. */
  async markUnmovable(id: string, letters: readonly string[]): Promise<void> {
    await this.end(id, { _id: { $in: [...letters] } }, 'unmovable');
  }

  /**
   * Determines the outcome of dead letters on one partition whose record is before the committed offset. A dead letter that was not
   * dead-lettered again must have been saved, which a query verifies. All earlier dead letters must be projected to MongoDB.
   */
  async judge(id: string, partition: number, committed: number): Promise<void> {
    const passed = {
      operationId: id,
      outcome: null,
      'sent.partition': partition,
      'sent.offset': { $lt: committed },
    };
    for (;;) {
      const letters = await this.collection
        .find({ state: 'redriving', tries: { $elemMatch: passed } })
        .limit(BATCH)
        .toArray();
      if (letters.length === 0) return;
      const missing = await this.findUnsaved(letters);
      const saved = letters.filter((letter) => !missing.includes(letter)).map(({ _id }) => _id);
      await this.end(id, { _id: { $in: saved } }, 'saved');
      await this.end(id, { _id: { $in: missing.map(({ _id }) => _id) } }, 'missing');
    }
  }

  /** @throws Problem 404 for an id that does not exist */
  async discard(filter: DeadLetterFilter): Promise<number> {
    await this.requireId(filter);
    const waiting = { state: 'pending', ...toMongoFilter(filter) } as const;
    return (await this.collection.updateMany(waiting, { $set: { state: 'discarded' } })).modifiedCount;
  }

  /** A mistyped id must not look like a success. @throws Problem 404 */
  async requireId({ id }: DeadLetterFilter): Promise<void> {
    if (id === undefined || (await this.collection.countDocuments({ _id: id }, { limit: 1 })) > 0) return;
    throw new Problem(HttpStatus.NOT_FOUND, 'not-found', `There is no dead letter ${id}.`);
  }

  private async end(id: string, letters: Filter<DeadLetterDocument>, outcome: RedriveOutcome): Promise<void> {
    await this.collection.updateMany(
      { ...letters, state: 'redriving', tries: { $elemMatch: { operationId: id, outcome: null } } },
      {
        $set: {
          state: outcome === 'saved' ? 'saved' : 'pending',
          'tries.$.outcome': outcome,
          'tries.$.endedAt': this.mongo.time.now(),
        },
      },
    );
  }

  /**
   * Returns the dead letters without a saved order; an archived one was saved. An undecodable record has no order id; then the committed
   * offset is the only evidence.
   */
  private async findUnsaved(letters: readonly DeadLetterDocument[]): Promise<DeadLetterDocument[]> {
    const ids = letters.flatMap(({ tries }) => tries?.at(-1)?.orderId ?? []);
    const orders = await ordersCollection(this.mongo.db)
      .find({ _id: { $in: ids.map((id) => new UUID(id)) } }, { readConcern: { level: 'majority' } })
      .project<{ _id: UUID }>({ _id: 1 })
      .toArray();
    const found = new Set(orders.map(({ _id }) => _id.toHexString()));
    const others = await this.archived.find(ids.filter((id) => !found.has(id)));
    for (const id of others.keys()) found.add(id);
    return letters.filter(({ tries }) => {
      const orderId = tries?.at(-1)?.orderId ?? null;
      return orderId !== null && !found.has(orderId);
    });
  }

  private async selectableIds(free: Filter<DeadLetterDocument>, count: number): Promise<string[]> {
    const letters = await this.collection
      .find(free)
      .sort({ _id: 1 })
      .limit(count)
      .project<{ _id: string }>({ _id: 1 })
      .toArray();
    return letters.map(({ _id }) => _id);
  }

  private get collection(): Collection<DeadLetterDocument> {
    return deadLettersCollection(this.mongo.db);
  }
}

/** Matches dead letters after the last selected id, so that dead letters that returned meanwhile are not selected again. */
function after(last: string | undefined): Filter<DeadLetterDocument> {
  return last === undefined ? {} : { $and: [{ _id: { $gt: last } }] };
}

/** Matches pending dead letters that were redriven fewer than `maxRedrives` times. */
function isSelectable(filter: DeadLetterFilter, maxRedrives: number): Filter<DeadLetterDocument> {
  return { state: 'pending', ...toMongoFilter(filter), $nor: [{ redrives: { $gte: maxRedrives } }] };
}
