import { Injectable } from '@nestjs/common';
import type { ClientSession } from 'mongodb';
import { reserveNumbers } from '#orders/operation/number-blocks.js';
import {
  operationsCollection,
  type ImportDocument,
  type Interruption,
  type OperationDocument,
} from '#orders/operation/operation.js';
import { createSegments } from '#orders/operation/segments.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { LeaseLostError, createLease } from '../background/lease.js';
import { ImportManifest } from './import-manifest.js';

/** An import whose files this process reads. */
export interface ReadingClaim {
  readonly operationId: string;
  readonly owner: string;
  readonly epoch: number;
}

/**
 * Assigns imports to processes for reading, one process per import, as `SegmentLeases` does for the emission. Files, rows and
 * rejected rows store an epoch, which prevents writes of a process that lost its lease. Transactions are not used for that: one
 * that is open when its process is killed locks its documents for more than a minute.
 */
@Injectable()
export class ReadingLeases {
  constructor(
    private readonly mongo: Mongo,
    private readonly manifest: ImportManifest,
  ) {}

  /** Claims the oldest running import that no process reads. */
  async claim(owner: string): Promise<ReadingClaim | null> {
    const now = this.mongo.time.now();
    const operation = await this.collection.findOneAndUpdate(
      {
        kind: 'import',
        status: 'running',
        interruption: null,
        reading: { $ne: null },
        $or: [{ 'reading.lease': null }, { 'reading.lease.expiresAt': { $lt: now } }],
      },
      { $set: { 'reading.lease': createLease(owner, now) }, $inc: { 'reading.epoch': 1 } },
      { sort: { _id: 1 }, returnDocument: 'after' },
    );
    if (operation?.kind !== 'import' || operation.reading === null) return null;
    const claim = { operationId: operation._id, owner, epoch: operation.reading.epoch };
    await this.manifest.fence(claim);
    return claim;
  }

  /** Renews the lease. @returns the requested interruption. @throws LeaseLostError */
  async renew(claim: ReadingClaim): Promise<Interruption | null> {
    const { interruption } = await this.update(claim, {
      'reading.lease': createLease(claim.owner, this.mongo.time.now()),
    });
    return interruption ?? null;
  }

  /** Releases the lease, so that another process can continue at once. @throws LeaseLostError */
  async release(claim: ReadingClaim): Promise<void> {
    await this.update(claim, { 'reading.lease': null });
  }

  /** Marks the import as failed. @throws LeaseLostError */
  async fail(claim: ReadingClaim, error: { code: string; message: string }): Promise<void> {
    await this.update(claim, { status: 'failed', error, finishedAt: this.mongo.time.now(), interruption: null });
  }

  /**
   * Ends the reading: reserves the block of order numbers and lets the emission begin, in one transaction.
   * @param count number of accepted orders. @throws LeaseLostError
   */
  async finish(claim: ReadingClaim, count: number): Promise<void> {
    await this.mongo.client.withSession((session) =>
      session.withTransaction(async () => {
        const firstNumber = count === 0 ? 0 : await reserveNumbers(this.mongo.db, count, session);
        await this.update(claim, { count, firstNumber, segments: createSegments(count), reading: null }, session);
      }),
    );
  }

  private async update(
    { operationId, owner, epoch }: ReadingClaim,
    change: Partial<ImportDocument> | { readonly 'reading.lease': ReturnType<typeof createLease> | null },
    session?: ClientSession,
  ): Promise<OperationDocument> {
    const operation = await this.collection.findOneAndUpdate(
      { _id: operationId, status: 'running', 'reading.epoch': epoch, 'reading.lease.owner': owner },
      { $set: change },
      { returnDocument: 'after', ...(session !== undefined && { session }) },
    );
    if (operation === null) throw new LeaseLostError(`lost the lease of import ${operationId}`);
    return operation;
  }

  private get collection() {
    return operationsCollection(this.mongo.db);
  }
}
