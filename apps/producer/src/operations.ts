import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { reserveNumbers } from '#orders/number-blocks.js';
import { operationsCollection, type OperationDocument } from '#orders/operation.js';
import { Mongo } from '#service/mongo.js';
import { completed, type PopulateRequest } from './populate-request.js';

/** How far an emission is. */
export interface Progress {
  readonly generated: number;
  readonly acked: number;
}

/** How long a process that fell silent keeps an operation from the others, in ms. */
export const LEASE_MS = 10_000;

/** This process no longer holds the operation: another one does, or nobody has to. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
  readonly code = 'lease-lost';
}

/** The operations in MongoDB: made, found, claimed by one process at a time, and kept up to date by it. */
@Injectable()
export class Operations {
  constructor(private readonly mongo: Mongo) {}

  /** Reserves the block of numbers and stores the operation, both or neither. */
  async create(request: PopulateRequest): Promise<OperationDocument> {
    const now = new Date();
    const asked = completed(request, now, Math.random);
    return this.mongo.client.withSession((session) =>
      session.withTransaction(async () => {
        const operation: OperationDocument = {
          _id: uuidv7(),
          kind: 'populate',
          status: 'running',
          ...asked,
          firstNumber: await reserveNumbers(this.mongo.db, asked.count, session),
          generated: 0,
          acked: 0,
          requestedAt: now,
          startedAt: null,
          finishedAt: null,
          error: null,
          fullBlocks: [],
          lease: null,
        };
        await this.collection.insertOne(operation, { session });
        return operation;
      }),
    );
  }

  async find(id: string): Promise<OperationDocument | null> {
    return this.collection.findOne({ _id: id });
  }

  /** Takes the oldest running operation that no living process emits. */
  async claim(owner: string): Promise<OperationDocument | null> {
    const now = new Date();
    const free = [{ lease: null }, { 'lease.expiresAt': { $lt: now } }];
    return this.collection.findOneAndUpdate(
      { status: 'running', $or: free },
      [{ $set: { lease: leaseOf(owner), startedAt: { $ifNull: ['$startedAt', now] } } }],
      { sort: { _id: 1 }, returnDocument: 'after' },
    );
  }

  /** Stores how far it is and holds the lease on. @throws LeaseLostError */
  async saveProgress(id: string, owner: string, progress: Progress): Promise<void> {
    await this.update(id, owner, { ...progress, lease: leaseOf(owner) });
  }

  /** Holds the lease on while there is no progress. @throws LeaseLostError */
  async renew(id: string, owner: string): Promise<void> {
    await this.update(id, owner, { lease: leaseOf(owner) });
  }

  async succeed(id: string, owner: string, progress: Progress): Promise<void> {
    await this.update(id, owner, { ...progress, status: 'succeeded', finishedAt: new Date(), lease: null });
  }

  async fail(id: string, owner: string, error: { code: string; message: string }): Promise<void> {
    await this.update(id, owner, { error, status: 'failed', finishedAt: new Date(), lease: null });
  }

  /** Lets another process go on at once. */
  async release(id: string, owner: string, progress: Progress): Promise<void> {
    await this.update(id, owner, { ...progress, lease: null });
  }

  /** Remembers blocks of numbers that were found full: orders are append-only, so they stay it. */
  async rememberFull(id: string, blocks: readonly number[]): Promise<void> {
    await this.collection.updateOne({ _id: id }, { $addToSet: { fullBlocks: { $each: [...blocks] } } });
  }

  private async update(id: string, owner: string, change: Partial<OperationDocument>): Promise<void> {
    const { matchedCount } = await this.collection.updateOne({ _id: id, 'lease.owner': owner }, { $set: change });
    if (matchedCount === 0) throw new LeaseLostError(`operation ${id} is no longer emitted by this process`);
  }

  private get collection() {
    return operationsCollection(this.mongo.db);
  }
}

function leaseOf(owner: string): { owner: string; expiresAt: Date } {
  return { owner, expiresAt: new Date(Date.now() + LEASE_MS) };
}
