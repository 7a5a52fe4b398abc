import { Injectable } from '@nestjs/common';
import type { Collection } from 'mongodb';
import {
  operationsCollection,
  type Interruption,
  type OperationDocument,
  type RedriveCounts,
  type RedriveDocument,
} from '#orders/operation.js';
import { Mongo } from '#service/mongo.js';
import { LeaseLostError, createLease } from '../background/lease.js';

/** Whoever was asked for a redrive takes its letters; after so long he must have been killed meanwhile. */
const SELECTING_MS = 600_000;

/** A redrive that this process does. */
export interface RedriveClaim {
  readonly operation: RedriveDocument;
  readonly owner: string;
  readonly epoch: number;
}

/** Who does which redrive: one process at a time, as `ReadingLeases` does for imports. */
@Injectable()
export class RedriveLeases {
  constructor(private readonly mongo: Mongo) {}

  /**
   * Takes the oldest redrive that nobody does, one that is to be cancelled too: its letters must be given back.
   * @param wanted only those that are to be cancelled, or any
   */
  async claim(owner: string, wanted: 'cancelled' | 'any'): Promise<RedriveClaim | null> {
    const now = this.mongo.time.now();
    const begun = wanted === 'any' ? [{ status: 'running' as const, interruption: null }] : [];
    const operation = await this.collection.findOneAndUpdate(
      {
        kind: 'redrive',
        redriving: { $ne: null },
        $and: [
          { $or: [...begun, { interruption: 'cancel' }] },
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

  /** Those that are paused, with letters on their way perhaps. */
  async paused(): Promise<string[]> {
    const paused = { kind: 'redrive' as const, status: 'paused' as const };
    return (await this.collection.find(paused).project<{ _id: string }>({ _id: 1 }).toArray()).map(({ _id }) => _id);
  }

  /** Holds the lease on. @returns what is wanted of the redrive. @throws LeaseLostError */
  async renew(claim: RedriveClaim): Promise<Interruption | null> {
    const { interruption } = await this.update(claim, {
      'redriving.lease': createLease(claim.owner, this.mongo.time.now()),
    });
    return interruption ?? null;
  }

  /** The letters are taken. @throws LeaseLostError */
  async selected(claim: RedriveClaim, letters: number): Promise<void> {
    await this.update(claim, { letters, 'redriving.isSelected': true });
  }

  /** Lets others go on with it at once. @throws LeaseLostError */
  async release(claim: RedriveClaim): Promise<void> {
    await this.update(claim, { 'redriving.lease': null });
  }

  /** It is known how each letter ended. @throws LeaseLostError */
  async finish(claim: RedriveClaim, status: 'succeeded' | 'cancelled', ended: RedriveCounts): Promise<void> {
    await this.update(claim, { status, ended, finishedAt: this.mongo.time.now(), interruption: null, redriving: null });
  }

  private async update({ operation, owner, epoch }: RedriveClaim, change: object): Promise<OperationDocument> {
    const found = await this.collection.findOneAndUpdate(
      { _id: operation._id, status: 'running', 'redriving.epoch': epoch, 'redriving.lease.owner': owner },
      { $set: change },
      { returnDocument: 'after' },
    );
    if (found === null) throw new LeaseLostError(`redrive ${operation._id} is no longer done by this process`);
    return found;
  }

  private get collection(): Collection<OperationDocument> {
    return operationsCollection(this.mongo.db);
  }
}
