import { Injectable } from '@nestjs/common';
import { operationsCollection, type Interruption, type OperationDocument } from '#orders/operation.js';
import { Mongo } from '#service/mongo.js';

/** Cancelling can't be taken back: nothing else may be wanted after it. */
const NOT_CANCELLED = { interruption: { $ne: 'cancel' as const } };

/**
 * Pausing, resuming and cancelling. Anybody may want it; it is done once nobody works on the operation any more: whoever does
 * finishes the chunk in hand, stores what was acknowledged, and lets go of the lease. A crashed one's lease runs out.
 */
@Injectable()
export class Interruptions {
  constructor(private readonly mongo: Mongo) {}

  /** @returns the operation as it is then; `null`: it isn't running, or isn't there */
  async pause(id: string): Promise<OperationDocument | null> {
    return this.want(id, 'pause', ['running']);
  }

  /** @returns the operation as it is then; `null`: it has ended, or isn't there */
  async cancel(id: string): Promise<OperationDocument | null> {
    return this.want(id, 'cancel', ['running', 'paused']);
  }

  /** Also takes back a pause that isn't done yet. @returns as `cancel` */
  async resume(id: string): Promise<OperationDocument | null> {
    return this.collection.findOneAndUpdate(
      { _id: id, status: { $in: ['running', 'paused'] }, ...NOT_CANCELLED },
      [
        {
          $set: {
            status: 'running',
            interruption: null,
            // What was not emitted while it was paused is not late. One that was running all the time stays as late as it is.
            schedule: { $cond: [{ $eq: ['$status', 'paused'] }, null, { $ifNull: ['$schedule', null] }] },
          },
        },
      ],
      { returnDocument: 'after' },
    );
  }

  /**
   * Ends the operations of which all is acknowledged, and does what is wanted of those that nobody works on now. In this
   * order: what is complete has succeeded, whatever was wanted of it meanwhile.
   */
  async settle(): Promise<void> {
    const now = this.mongo.time.now();
    const ended = { finishedAt: now, interruption: null, waitingFor: null };
    await this.collection.updateMany(
      { status: 'running', reading: null, redriving: null, segments: { $not: { $elemMatch: { isDone: false } } } },
      { $set: { status: 'succeeded', ...ended } },
    );
    const free = {
      segments: { $not: { $elemMatch: { 'lease.expiresAt': { $gte: now } } } },
      'reading.lease.expiresAt': { $not: { $gte: now } },
      'redriving.lease.expiresAt': { $not: { $gte: now } },
    };
    await this.collection.updateMany(
      { status: 'running', interruption: 'pause', ...free },
      { $set: { status: 'paused', interruption: null, waitingFor: null, 'segments.$[].lease': null } },
    );
    await this.collection.updateMany(
      // A redrive that is cancelled has letters to give back, and to wait for: whoever does it ends it.
      { status: { $in: ['running', 'paused'] }, interruption: 'cancel', redriving: null, ...free },
      { $set: { status: 'cancelled', ...ended, 'segments.$[].lease': null } },
    );
  }

  private async want(
    id: string,
    interruption: Interruption,
    from: readonly OperationDocument['status'][],
  ): Promise<OperationDocument | null> {
    const { matchedCount } = await this.collection.updateOne(
      { _id: id, status: { $in: [...from] }, ...NOT_CANCELLED },
      { $set: { interruption } },
    );
    if (matchedCount === 0) return null;
    await this.settle();
    return this.collection.findOne({ _id: id });
  }

  private get collection() {
    return operationsCollection(this.mongo.db);
  }
}
