import { Injectable } from '@nestjs/common';
import { operationsCollection, type Interruption, type OperationDocument } from '#orders/operation/operation.js';
import { Mongo } from '#service/mongodb/mongo.js';

/** A cancellation is final: no other interruption can replace it. An intake has nothing to interrupt. */
const INTERRUPTIBLE = { interruption: { $ne: 'cancel' as const }, kind: { $ne: 'intake' as const } };

/**
 * Pauses, resumes and cancels operations. Any process can request an interruption; it takes effect once no process holds a lease
 * on the operation. Each holder finishes its current chunk, stores what was acknowledged and releases its lease.
 * The lease of a crashed process expires.
 */
@Injectable()
export class Interruptions {
  constructor(private readonly mongo: Mongo) {}

  /** @returns the updated operation, or `null` if it does not exist or is not running */
  async pause(id: string): Promise<OperationDocument | null> {
    return this.request(id, 'pause', ['running']);
  }

  /** @returns the updated operation, or `null` if it does not exist or has ended */
  async cancel(id: string): Promise<OperationDocument | null> {
    return this.request(id, 'cancel', ['running', 'paused']);
  }

  /** Resumes an operation; also withdraws a pause request that has not taken effect yet. @returns as `cancel` */
  async resume(id: string): Promise<OperationDocument | null> {
    return this.collection.findOneAndUpdate(
      { _id: id, status: { $in: ['running', 'paused'] }, ...INTERRUPTIBLE },
      [
        {
          $set: {
            status: 'running',
            interruption: null,
            // A paused operation gets a new schedule, so that the pause does not make its orders overdue.
            // An operation that never stopped keeps its schedule, and its delay.
            schedule: { $cond: [{ $eq: ['$status', 'paused'] }, null, { $ifNull: ['$schedule', null] }] },
          },
        },
      ],
      { returnDocument: 'after' },
    );
  }

  /**
   * Marks fully acknowledged operations as succeeded, then applies requested interruptions to operations without a live lease.
   * In this order, a completed operation always succeeds, even if an interruption was requested.
   */
  async settle(): Promise<void> {
    const now = this.mongo.time.now();
    const ended = { finishedAt: now, interruption: null, waitingFor: null };
    await this.collection.updateMany(
      {
        status: 'running',
        reading: null,
        receiving: null,
        redriving: null,
        segments: { $not: { $elemMatch: { isDone: false } } },
      },
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
      // The redrive runner ends a cancelled redrive, because it first has to release its dead letters and wait for those in flight.
      { status: { $in: ['running', 'paused'] }, interruption: 'cancel', redriving: null, ...free },
      { $set: { status: 'cancelled', ...ended, 'segments.$[].lease': null } },
    );
  }

  private async request(
    id: string,
    interruption: Interruption,
    from: readonly OperationDocument['status'][],
  ): Promise<OperationDocument | null> {
    const { matchedCount } = await this.collection.updateOne(
      { _id: id, status: { $in: [...from] }, ...INTERRUPTIBLE },
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
