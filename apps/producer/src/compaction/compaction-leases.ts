import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { operationsCollection, type OperationDocument } from '#orders/operation/operation.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { createLease, LeaseLostError } from '../background/lease.js';

const ENDED = ['succeeded', 'cancelled', 'failed'] as const satisfies OperationDocument['status'][];

/** What becomes of an operation after a turn: nothing is left to do, or it is looked at again later. */
export type CompactionChange = { readonly compactedAt: Date } | { readonly nextAt: Date };

/** An ended operation whose bookkeeping this process compacts. The owner and the epoch fence its writes. */
export class CompactionLease {
  private readonly ending = new AbortController();

  constructor(
    private readonly mongo: Mongo,
    private readonly owner: string,
    /** The operation, as it was claimed. */
    readonly operation: OperationDocument,
  ) {}

  /** Aborts when the work must end: another process has claimed the operation, or it was reopened. */
  get over(): AbortSignal {
    return this.ending.signal;
  }

  /** Renews the lease. @throws LeaseLostError */
  async renew(): Promise<void> {
    await this.update({ 'compaction.lease': createLease(this.owner, this.mongo.time.now()) });
  }

  /** Stores the result of the turn and releases the lease. @throws LeaseLostError */
  async end(change: CompactionChange): Promise<void> {
    const result = 'nextAt' in change ? { 'compaction.nextAt': change.nextAt } : { compactedAt: change.compactedAt };
    await this.update({ 'compaction.lease': null, ...result });
  }

  private async update(change: object): Promise<void> {
    const { _id, compaction } = this.operation;
    const { matchedCount } = await operationsCollection(this.mongo.db).updateOne(
      // An intake may be reopened for a late batch: then it is not compacted completely.
      {
        _id,
        status: { $in: [...ENDED] },
        'compaction.lease.owner': this.owner,
        'compaction.epoch': compaction?.epoch ?? 0,
      },
      { $set: change },
    );
    if (matchedCount > 0) return;
    this.ending.abort();
    throw new LeaseLostError(`lost the lease of the compaction of operation ${_id}`);
  }
}

/** Assigns ended operations to processes that compact their bookkeeping. */
@Injectable()
export class CompactionLeases {
  private readonly owner = randomUUID();

  /** @param delayMs how long after its end an operation is compacted, in milliseconds */
  constructor(
    private readonly mongo: Mongo,
    private readonly delayMs: number,
  ) {}

  /** Claims the oldest operation that is due and that no process compacts; `null` if there is none. */
  async claim(): Promise<CompactionLease | null> {
    const now = this.mongo.time.now();
    const operation = await operationsCollection(this.mongo.db).findOneAndUpdate(
      {
        // Equality with `null` finds absent fields by the index.
        compactedAt: null as never,
        status: { $in: [...ENDED] },
        finishedAt: { $lte: new Date(now.getTime() - this.delayMs) },
        'compaction.lease.expiresAt': { $not: { $gte: now } },
        'compaction.nextAt': { $not: { $gt: now } },
      },
      { $set: { 'compaction.lease': createLease(this.owner, now) }, $inc: { 'compaction.epoch': 1 } },
      { sort: { _id: 1 }, returnDocument: 'after' },
    );
    return operation === null ? null : new CompactionLease(this.mongo, this.owner, operation);
  }
}
