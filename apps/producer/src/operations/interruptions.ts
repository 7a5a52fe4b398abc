import { Injectable } from '@nestjs/common';
import { operationsCollection, type Interruption, type OperationDocument } from '#orders/operation.js';
import { Mongo } from '#service/mongo.js';
import { ended, isFree } from './operations.js';

/** Cancelling can't be taken back: nothing else may be wanted after it. */
const NOT_CANCELLED = { interruption: { $ne: 'cancel' as const } };

/**
 * Pausing, resuming and cancelling. Anybody may want it; it is done once nobody emits the operation any more: whoever does
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
      // What was not emitted while it was paused is not late.
      { $set: { status: 'running', interruption: null, schedule: null } },
      { returnDocument: 'after' },
    );
  }

  /** Does what is wanted of operations that nobody emits now. */
  async settle(): Promise<void> {
    const free = { $or: isFree(new Date()) };
    await this.collection.updateMany(
      { status: 'running', interruption: 'pause', ...free },
      { $set: { status: 'paused', interruption: null, waitingFor: null, lease: null } },
    );
    await this.collection.updateMany(
      { status: { $in: ['running', 'paused'] }, interruption: 'cancel', ...free },
      { $set: { status: 'cancelled', ...ended() } },
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
