import { Injectable } from '@nestjs/common';
import type { Collection } from 'mongodb';
import {
  deadLettersCollection,
  type DeadLetterDocument,
  type RedriveOutcome,
} from '#orders/dead-letter/dead-letters.js';
import type { RedriveCounts } from '#orders/operation/operation.js';
import { Mongo } from '#service/mongodb/mongo.js';

/** Reads the progress of redrives from the tries in their letters. */
@Injectable()
export class RedriveProgress {
  constructor(private readonly mongo: Mongo) {}

  /** Counts the letters of a redrive by state. */
  async counts(id: string): Promise<RedriveCounts> {
    const groups = await this.collection
      .aggregate<{ _id: { outcome: RedriveOutcome | null; isSent: boolean }; count: number }>([
        { $match: { 'tries.operationId': id } },
        { $project: { try: { $filter: { input: '$tries', cond: { $eq: ['$$this.operationId', id] } } } } },
        { $unwind: '$try' },
        { $group: { _id: { outcome: '$try.outcome', isSent: { $gt: ['$try.sent', null] } }, count: { $sum: 1 } } },
      ])
      .toArray();
    const getCount = (outcome: RedriveOutcome | null, isSent?: boolean): number =>
      groups
        .filter(({ _id }) => _id.outcome === outcome && (isSent === undefined || _id.isSent === isSent))
        .reduce((sum, { count }) => sum + count, 0);
    const sent = {
      saved: getCount('saved'),
      returned: getCount('returned'),
      missing: getCount('missing'),
      waiting: getCount(null, true),
    };
    const moved = sent.saved + sent.returned + sent.missing + sent.waiting;
    return { moved, ...sent, unmovable: getCount('unmovable'), unsent: getCount(null, false) };
  }

  /** Returns the errors of the first `count` letters that were dead-lettered again. */
  async returnReasons(id: string, count: number): Promise<Pick<DeadLetterDocument, 'index' | 'error'>[]> {
    return this.collection
      .find({ tries: { $elemMatch: { operationId: id, outcome: 'returned' } } })
      .sort({ _id: 1 })
      .limit(count)
      .toArray();
  }

  private get collection(): Collection<DeadLetterDocument> {
    return deadLettersCollection(this.mongo.db);
  }
}
