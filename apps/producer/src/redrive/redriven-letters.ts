import { Injectable } from '@nestjs/common';
import { UUID, type Collection, type Filter } from 'mongodb';
import { deadLettersCollection, type DeadLetterDocument, type RedriveOutcome } from '#orders/dead-letters.js';
import type { DeadLetterFilter, RedriveCounts, RedriveDocument } from '#orders/operation.js';
import { ordersCollection } from '#orders/orders-collection.js';
import { Mongo } from '#service/mongo.js';
import { matching } from '../dead-letters/dead-letter-query.js';
import type { RedrivePlan } from './redrive-request.js';

/** Letters that are written at once. */
const BATCH = 1_000;

/** Where the record of a letter stands. */
export interface SentLetter {
  readonly id: string;
  readonly partition: number;
  readonly offset: number;
  readonly orderId: string | null;
}

/**
 * The letters of a redrive in MongoDB. All that is known of it is read from them, by the tries that they keep: a crash between two
 * writes can make a record go twice, which the order's id makes harmless, but never a count that isn't true.
 */
@Injectable()
export class RedrivenLetters {
  constructor(private readonly mongo: Mongo) {}

  async plan(filter: DeadLetterFilter, limit: number | null, maxRedrives: number): Promise<RedrivePlan> {
    const groups = await this.collection
      .aggregate<{ _id: string; count: number }>([
        { $match: isFree(filter, maxRedrives) },
        { $sort: { _id: 1 } },
        ...(limit === null ? [] : [{ $limit: limit }]),
        { $group: { _id: '$error.code', count: { $sum: 1 } } },
        { $sort: { count: -1, _id: 1 } },
      ])
      .toArray();
    const errors = groups.map(({ _id: errorCode, count }) => ({ errorCode, count }));
    const letters = errors.reduce((sum, { count }) => sum + count, 0);
    const spent = { state: 'pending', ...matching(filter), redrives: { $gte: maxRedrives } } as const;
    return { letters, spent: await this.collection.countDocuments(spent), errors };
  }

  /** Takes the letters for a redrive, those that it has already included. @returns how many it has */
  async take({ _id, filter, limit, maxRedrives, requestedAt }: RedriveDocument): Promise<number> {
    const open = { operationId: _id, at: requestedAt, sent: null, orderId: null, outcome: null, endedAt: null };
    const own = async () => this.collection.countDocuments({ 'tries.operationId': _id });
    let taken = await own();
    for (let last: string | undefined; ;) {
      const left = Math.min(BATCH, (limit ?? Number.MAX_SAFE_INTEGER) - taken);
      const ids = left <= 0 ? [] : await this.freeIds({ ...isFree(filter, maxRedrives), ...after(last) }, left);
      // Counted anew: what is told is what there is.
      if (ids.length === 0) return own();
      last = ids.at(-1);
      const { modifiedCount } = await this.collection.updateMany(
        // Somebody else may have taken them meanwhile.
        { _id: { $in: ids }, state: 'pending' },
        { $set: { state: 'redriving' }, $inc: { redrives: 1 }, $push: { tries: open } },
      );
      taken += modifiedCount;
    }
  }

  /** Those that are not sent yet, in the order of their places on the dead-letter topic. */
  async unsent(id: string, count: number): Promise<DeadLetterDocument[]> {
    return this.collection
      .find({ state: 'redriving', tries: { $elemMatch: { operationId: id, outcome: null, sent: null } } })
      .sort({ 'letter.partition': 1, 'letter.offset': 1 })
      .limit(count)
      .toArray();
  }

  /** Gives back those that are not sent. */
  async giveBack(id: string): Promise<void> {
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

  /** They stay among the dead letters. */
  async markUnmovable(id: string, letters: readonly string[]): Promise<void> {
    await this.end(id, { _id: { $in: [...letters] } }, 'unmovable');
  }

  /**
   * Judges those whose record the consumers are past, on one partition: what is not back among the dead letters by then was saved, which is
   * looked up. All letters of before must have been carried into MongoDB.
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
      const missing = await this.notSaved(letters);
      const saved = letters.filter((letter) => !missing.includes(letter)).map(({ _id }) => _id);
      await this.end(id, { _id: { $in: saved } }, 'saved');
      await this.end(id, { _id: { $in: missing.map(({ _id }) => _id) } }, 'missing');
    }
  }

  async counts(id: string): Promise<RedriveCounts> {
    const groups = await this.collection
      .aggregate<{ _id: { outcome: RedriveOutcome | null; isSent: boolean }; count: number }>([
        { $match: { 'tries.operationId': id } },
        { $project: { try: { $filter: { input: '$tries', cond: { $eq: ['$$this.operationId', id] } } } } },
        { $unwind: '$try' },
        { $group: { _id: { outcome: '$try.outcome', isSent: { $gt: ['$try.sent', null] } }, count: { $sum: 1 } } },
      ])
      .toArray();
    const of = (outcome: RedriveOutcome | null, isSent?: boolean): number =>
      groups
        .filter(({ _id }) => _id.outcome === outcome && (isSent === undefined || _id.isSent === isSent))
        .reduce((sum, { count }) => sum + count, 0);
    const [saved, returned, missing, waiting] = [of('saved'), of('returned'), of('missing'), of(null, true)];
    const moved = saved + returned + missing + waiting;
    return { moved, saved, returned, missing, waiting, unmovable: of('unmovable'), unsent: of(null, false) };
  }

  /** Why those that came back did: the first few. */
  async returnReasons(id: string, count: number): Promise<Pick<DeadLetterDocument, 'index' | 'error'>[]> {
    return this.collection
      .find({ tries: { $elemMatch: { operationId: id, outcome: 'returned' } } })
      .sort({ _id: 1 })
      .limit(count)
      .toArray();
  }

  async discard(filter: DeadLetterFilter): Promise<number> {
    const waiting = { state: 'pending', ...matching(filter) } as const;
    return (await this.collection.updateMany(waiting, { $set: { state: 'discarded' } })).modifiedCount;
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

  /** Of which no order is there. What could not be read has no id to look for: the consumers' commit stands for it. */
  private async notSaved(letters: readonly DeadLetterDocument[]): Promise<DeadLetterDocument[]> {
    const ids = letters.flatMap(({ tries }) => tries?.at(-1)?.orderId ?? []);
    const there = await ordersCollection(this.mongo.db)
      .find({ _id: { $in: ids.map((id) => new UUID(id)) } }, { readConcern: { level: 'majority' } })
      .project<{ _id: UUID }>({ _id: 1 })
      .toArray();
    const found = new Set(there.map(({ _id }) => _id.toHexString()));
    return letters.filter(({ tries }) => {
      const orderId = tries?.at(-1)?.orderId ?? null;
      return orderId !== null && !found.has(orderId);
    });
  }

  private async freeIds(free: Filter<DeadLetterDocument>, count: number): Promise<string[]> {
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

/** Behind the last that was looked at: what came back meanwhile is not looked at again. */
function after(last: string | undefined): Filter<DeadLetterDocument> {
  return last === undefined ? {} : { $and: [{ _id: { $gt: last } }] };
}

/** Waits, and was not redriven too often. */
function isFree(filter: DeadLetterFilter, maxRedrives: number): Filter<DeadLetterDocument> {
  return { state: 'pending', ...matching(filter), $nor: [{ redrives: { $gte: maxRedrives } }] };
}
