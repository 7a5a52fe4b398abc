import { Injectable } from '@nestjs/common';
import { MongoServerError } from 'mongodb';
import { v7 as uuidv7 } from 'uuid';
import { keepChunks, type AcknowledgedChunk } from '#orders/acknowledged-chunks.js';
import { reserveNumbers } from '#orders/number-blocks.js';
import { operationsCollection, type Interruption, type OperationDocument } from '#orders/operation.js';
import { Mongo } from '#service/mongo.js';
import { keepKey, operationOfKey } from './idempotency-keys.js';
import type { OperationsQuery } from './operations-query.js';
import { completed, type PopulateRequest } from './populate-request.js';

/** How far an emission is. */
export interface Progress {
  readonly generated: number;
  readonly acked: number;
}

const DUPLICATE_KEY = 11000;

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

  /**
   * Reserves the block of numbers and stores the operation, and the client's key for it, all or nothing. Under a key that is
   * known the operation is the one that was made then.
   * @throws Problem 422 when the key was used for another request
   */
  async create(request: PopulateRequest, key?: string): Promise<OperationDocument> {
    if (key === undefined) return this.insert(request);
    const made = await operationOfKey(this.mongo.db, key, request);
    if (made !== undefined) return this.existing(made);
    try {
      return await this.insert(request, key);
    } catch (error) {
      if (!(error instanceof MongoServerError && error.code === DUPLICATE_KEY)) throw error;
      // The same key twice at once: the other one was faster.
      const theirs = await operationOfKey(this.mongo.db, key, request);
      if (theirs === undefined) throw error;
      return this.existing(theirs);
    }
  }

  private async existing(id: string): Promise<OperationDocument> {
    const operation = await this.find(id);
    if (operation === null) throw new Error(`operation ${id} is gone, though its key is known`);
    return operation;
  }

  private async insert(request: PopulateRequest, key?: string): Promise<OperationDocument> {
    const now = new Date();
    const asked = completed(request, now, Math.random);
    return this.mongo.client.withSession((session) =>
      session.withTransaction(async () => {
        const operation: OperationDocument = {
          _id: uuidv7(),
          kind: 'populate',
          status: 'running',
          interruption: null,
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
        if (key !== undefined) await keepKey(this.mongo.db, session, { key, request, operationId: operation._id, now });
        return operation;
      }),
    );
  }

  async find(id: string): Promise<OperationDocument | null> {
    return this.collection.findOne({ _id: id });
  }

  /** Newest first. */
  async list({ status, kind, before, pageSize }: OperationsQuery): Promise<OperationDocument[]> {
    const filter = {
      ...(status !== undefined && { status }),
      ...(kind !== undefined && { kind }),
      // Ids sort by the time they were made.
      ...(before !== undefined && { _id: { $lt: before } }),
    };
    return this.collection.find(filter).sort({ _id: -1 }).limit(pageSize).toArray();
  }

  /** Takes the oldest running operation that no living process emits. */
  async claim(owner: string): Promise<OperationDocument | null> {
    const now = new Date();
    return this.collection.findOneAndUpdate(
      { status: 'running', interruption: null, $or: isFree(now) },
      [
        {
          $set: {
            lease: leaseOf(owner),
            startedAt: { $ifNull: ['$startedAt', now] },
            schedule: { $ifNull: ['$schedule', { at: now, from: '$acked' }] },
          },
        },
      ],
      { sort: { _id: 1 }, returnDocument: 'after' },
    );
  }

  /**
   * Stores how far it is, and before that where the chunks stand that came since, and holds the lease on.
   * @returns what is wanted of it. @throws LeaseLostError
   */
  async saveProgress(
    id: string,
    owner: string,
    progress: Progress,
    chunks: readonly AcknowledgedChunk[],
  ): Promise<Interruption | null> {
    await keepChunks(this.mongo.db, chunks);
    return this.update(id, owner, { ...progress, lease: leaseOf(owner) });
  }

  /** Holds the lease on while there is no progress. @returns what is wanted of it. @throws LeaseLostError */
  async renew(id: string, owner: string): Promise<Interruption | null> {
    return this.update(id, owner, { lease: leaseOf(owner) });
  }

  /** Tells what holds it up. @throws LeaseLostError */
  async waitFor(id: string, owner: string, waitingFor: OperationDocument['waitingFor']): Promise<void> {
    await this.update(id, owner, { waitingFor: waitingFor ?? null });
  }

  async succeed(id: string, owner: string, progress: Progress): Promise<void> {
    await this.update(id, owner, { ...progress, status: 'succeeded', ...ended() });
  }

  async fail(id: string, owner: string, error: { code: string; message: string }): Promise<void> {
    await this.update(id, owner, { error, status: 'failed', ...ended() });
  }

  /** Lets another process go on at once. */
  async release(id: string, owner: string, progress: Progress): Promise<void> {
    await this.update(id, owner, { ...progress, waitingFor: null, lease: null });
  }

  /** Remembers blocks of numbers that were found full: orders are append-only, so they stay it. */
  async rememberFull(id: string, blocks: readonly number[]): Promise<void> {
    await this.collection.updateOne({ _id: id }, { $addToSet: { fullBlocks: { $each: [...blocks] } } });
  }

  private async update(id: string, owner: string, change: Partial<OperationDocument>): Promise<Interruption | null> {
    const found = await this.collection.findOneAndUpdate(
      { _id: id, 'lease.owner': owner },
      { $set: change },
      { returnDocument: 'after', projection: { interruption: 1 } },
    );
    if (found === null) throw new LeaseLostError(`operation ${id} is no longer emitted by this process`);
    return found.interruption ?? null;
  }

  private get collection() {
    return operationsCollection(this.mongo.db);
  }
}

/** No living process emits it. */
export function isFree(now: Date): object[] {
  return [{ lease: null }, { 'lease.expiresAt': { $lt: now } }];
}

export function ended(): Pick<OperationDocument, 'finishedAt' | 'lease' | 'interruption' | 'waitingFor'> {
  return { finishedAt: new Date(), lease: null, interruption: null, waitingFor: null };
}

function leaseOf(owner: string): { owner: string; expiresAt: Date } {
  return { owner, expiresAt: new Date(Date.now() + LEASE_MS) };
}
