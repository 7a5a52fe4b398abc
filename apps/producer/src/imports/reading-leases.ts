import { Injectable } from '@nestjs/common';
import type { ClientSession } from 'mongodb';
import { reserveNumbers } from '#orders/number-blocks.js';
import {
  operationsCollection,
  type ImportDocument,
  type Interruption,
  type OperationDocument,
} from '#orders/operation.js';
import { segmentsOf } from '#orders/segments.js';
import { Mongo } from '#service/mongo.js';
import { LeaseLostError, createLease } from '../background/lease.js';
import { ImportManifest } from './import-manifest.js';

/** An import that this process reads. */
export interface ReadingClaim {
  readonly operationId: string;
  readonly owner: string;
  readonly epoch: number;
}

/**
 * Who reads the files of which import: one process at a time, as `SegmentLeases` does for the emission. What a process that lost
 * its lease still wants to store is refused by the epoch that files, rows and rejects carry. Not by transactions: one that is open
 * when its process is killed holds its documents for more than a minute.
 */
@Injectable()
export class ReadingLeases {
  constructor(
    private readonly mongo: Mongo,
    private readonly manifest: ImportManifest,
  ) {}

  /** Takes the oldest running import that nobody reads. */
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

  /** Holds the lease on. @returns what is wanted of the import. @throws LeaseLostError */
  async renew(claim: ReadingClaim): Promise<Interruption | null> {
    const { interruption } = await this.update(claim, {
      'reading.lease': createLease(claim.owner, this.mongo.time.now()),
    });
    return interruption ?? null;
  }

  /** Lets others go on with it at once. @throws LeaseLostError */
  async release(claim: ReadingClaim): Promise<void> {
    await this.update(claim, { 'reading.lease': null });
  }

  /** Ends the import as failed. @throws LeaseLostError */
  async fail(claim: ReadingClaim, error: { code: string; message: string }): Promise<void> {
    await this.update(claim, { status: 'failed', error, finishedAt: this.mongo.time.now(), interruption: null });
  }

  /**
   * All is read: reserves the block of numbers, and lets the emission begin, all or nothing.
   * @param count orders that were accepted. @throws LeaseLostError
   */
  async finish(claim: ReadingClaim, count: number): Promise<void> {
    await this.mongo.client.withSession((session) =>
      session.withTransaction(async () => {
        const firstNumber = count === 0 ? 0 : await reserveNumbers(this.mongo.db, count, session);
        await this.update(claim, { count, firstNumber, segments: segmentsOf(count), reading: null }, session);
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
    if (operation === null) throw new LeaseLostError(`import ${operationId} is no longer read by this process`);
    return operation;
  }

  private get collection() {
    return operationsCollection(this.mongo.db);
  }
}
