import { Injectable } from '@nestjs/common';
import type { Collection } from 'mongodb';
import {
  operationsCollection,
  type Interruption,
  type OperationDocument,
  type RedriveCounts,
  type RedriveDocument,
} from '#orders/operation/operation.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { LeaseLostError, createLease } from '../background/lease.js';

/** The process that received the request selects the letters. After this time, in ms, it counts as crashed. */
const SELECTING_MS = 600_000;

/** A redrive that this process executes. */
export interface RedriveClaim {
  readonly operation: RedriveDocument;
  readonly owner: string;
  readonly epoch: number;
}

/** Assigns redrives to processes, one process per redrive, as `ReadingLeases` does for imports. */
@Injectable()
export class RedriveLeases {
  constructor(private readonly mongo: Mongo) {}

  /**
   * Claims the oldest redrive that no process executes. Includes redrives to be cancelled, because their letters must be released.
   * @param kind `cancelled` claims only redrives to be cancelled
   */
  async claim(owner: string, kind: 'cancelled' | 'any'): Promise<RedriveClaim | null> {
    const now = this.mongo.time.now();
    const uninterrupted = kind === 'any' ? [{ status: 'running' as const, interruption: null }] : [];
    const operation = await this.collection.findOneAndUpdate(
      {
        kind: 'redrive',
        redriving: { $ne: null },
        $and: [
          { $or: [...uninterrupted, { interruption: 'cancel' }] },
          { $or: [{ 'redriving.lease': null }, { 'redriving.lease.expiresAt': { $lt: now } }] },
          { $or: [{ 'redriving.isSelected': true }, { requestedAt: { $lt: new Date(now.getTime() - SELECTING_MS) } }] },
        ],
      },
      [
        {
          $set: {
            status: 'running',
            startedAt: { $ifNull: ['$startedAt', now] },
            'redriving.lease': { $literal: createLease(owner, now) },
            'redriving.epoch': { $add: ['$redriving.epoch', 1] },
          },
        },
      ],
      { sort: { _id: 1 }, returnDocument: 'after' },
    );
    if (operation?.kind !== 'redrive' || operation.redriving === null) return null;
    return { operation, owner, epoch: operation.redriving.epoch };
  }

  /** Returns the ids of paused redrives; they may have letters in flight. */
  async paused(): Promise<string[]> {
    const paused = { kind: 'redrive' as const, status: 'paused' as const };
    return (await this.collection.find(paused).project<{ _id: string }>({ _id: 1 }).toArray()).map(({ _id }) => _id);
  }

  /** Renews the lease. @returns the requested interruption. @throws LeaseLostError */
  async renew(claim: RedriveClaim): Promise<Interruption | null> {
    const { interruption } = await this.update(claim, {
      'redriving.lease': createLease(claim.owner, this.mongo.time.now()),
    });
    return interruption ?? null;
  }

  /** Stores that the letters are selected. @throws LeaseLostError */
  async markSelected(claim: RedriveClaim, letters: number): Promise<void> {
    await this.update(claim, { letters, 'redriving.isSelected': true });
  }

  /** Releases the lease, so that another process can continue at once. @throws LeaseLostError */
  async release(claim: RedriveClaim): Promise<void> {
    await this.update(claim, { 'redriving.lease': null });
  }

  /** Ends the redrive once the outcome of each letter is known. @throws LeaseLostError */
  async finish(claim: RedriveClaim, status: 'succeeded' | 'cancelled', ended: RedriveCounts): Promise<void> {
    await this.update(claim, { status, ended, finishedAt: this.mongo.time.now(), interruption: null, redriving: null });
  }

  private async update({ operation, owner, epoch }: RedriveClaim, change: object): Promise<OperationDocument> {
    const found = await this.collection.findOneAndUpdate(
      { _id: operation._id, status: 'running', 'redriving.epoch': epoch, 'redriving.lease.owner': owner },
      { $set: change },
      { returnDocument: 'after' },
    );
    if (found === null) throw new LeaseLostError(`lost the lease of redrive ${operation._id}`);
    return found;
  }

  private get collection(): Collection<OperationDocument> {
    return operationsCollection(this.mongo.db);
  }
}
