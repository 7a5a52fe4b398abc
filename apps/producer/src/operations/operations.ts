import { Injectable } from '@nestjs/common';
import { MongoServerError, type ClientSession, type Filter } from 'mongodb';
import { v7 as uuidv7 } from 'uuid';
import { reserveNumbers } from '#orders/number-blocks.js';
import {
  operationsCollection,
  type ImportDocument,
  type OperationDocument,
  type PopulateDocument,
  type RedriveDocument,
} from '#orders/operation.js';
import { segmentsOf, type Lease } from '#orders/segments.js';
import { Mongo } from '#service/mongo.js';
import { keepKey, operationOfKey } from './idempotency-keys.js';
import type { OperationsQuery } from './operations-query.js';
import { completed, type PopulateRequest } from './populate-request.js';

const DUPLICATE_KEY = 11000;

/** The client's own name for a request, and what is compared when it comes again. */
export interface KeyedRequest {
  readonly key: string | undefined;
  readonly request: object;
}

/** The operations in MongoDB: made, found and listed. */
@Injectable()
export class Operations {
  constructor(private readonly mongo: Mongo) {}

  /**
   * Reserves the block of numbers and stores the operation, and the client's key for it, all or nothing. Under a key that is
   * known the operation is the one that was made then.
   * @throws Problem 422 when the key was used for another request
   */
  async createPopulate(request: PopulateRequest, key: string | undefined): Promise<OperationDocument> {
    return this.create({ key, request }, async (session, now): Promise<PopulateDocument> => {
      const asked = completed(request, now, Math.random);
      const firstNumber = await reserveNumbers(this.mongo.db, asked.count, session);
      return { ...justBegun(now), kind: 'populate', ...asked, firstNumber, segments: segmentsOf(asked.count) };
    });
  }

  /** Stores an import whose files are to be read: its block is reserved when they are. Otherwise as `createPopulate`. */
  async createImport(
    asked: Pick<ImportDocument, '_id' | 'chunkSize' | 'ratePerSecond'>,
    keyed: KeyedRequest,
  ): Promise<OperationDocument> {
    return this.create(keyed, async (_session, now): Promise<ImportDocument> => {
      const reading = { lease: null, epoch: 0 };
      return { ...justBegun(now), kind: 'import', ...asked, count: 0, firstNumber: 0, segments: [], reading };
    });
  }

  /** Stores a redrive whose letters are to be taken by whoever has the lease. Otherwise as `createPopulate`. */
  async createRedrive(
    asked: Pick<RedriveDocument, 'filter' | 'limit' | 'maxRedrives' | 'chunkSize' | 'ratePerSecond'>,
    lease: Lease,
    keyed: KeyedRequest,
  ): Promise<OperationDocument> {
    return this.create(keyed, async (_session, now): Promise<RedriveDocument> => {
      const redriving = { lease, epoch: 0, isSelected: false };
      return {
        ...justBegun(now),
        kind: 'redrive',
        ...asked,
        letters: 0,
        count: 0,
        firstNumber: 0,
        segments: [],
        redriving,
      };
    });
  }

  private async create(
    { key, request }: KeyedRequest,
    make: (session: ClientSession, now: Date) => Promise<OperationDocument>,
  ): Promise<OperationDocument> {
    if (key === undefined) return this.insert({ key, request }, make);
    const made = await operationOfKey(this.mongo.db, key, request);
    if (made !== undefined) return this.existing(made);
    try {
      return await this.insert({ key, request }, make);
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

  private async insert(
    { key, request }: KeyedRequest,
    make: (session: ClientSession, now: Date) => Promise<OperationDocument>,
  ): Promise<OperationDocument> {
    const now = this.mongo.time.now();
    return this.mongo.client.withSession((session) =>
      session.withTransaction(async () => {
        const operation = await make(session, now);
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
    const filter: Filter<OperationDocument> = {
      ...(status !== undefined && { status }),
      ...(kind !== undefined && { kind }),
      // Ids sort by the time they were made.
      ...(before !== undefined && { _id: { $lt: before } }),
    };
    return this.collection.find(filter).sort({ _id: -1 }).limit(pageSize).toArray();
  }

  /** Keeps an exact count, and the blocks of numbers that it found full: orders are append-only, so both stay true as a minimum. */
  async rememberCount(id: string, saved: number, fullBlocks: readonly number[]): Promise<void> {
    await this.collection.updateOne(
      { _id: id },
      { $max: { countedSaved: saved }, $addToSet: { fullBlocks: { $each: [...fullBlocks] } } },
    );
  }

  private get collection() {
    return operationsCollection(this.mongo.db);
  }
}

function justBegun(now: Date) {
  return {
    _id: uuidv7(),
    status: 'running',
    interruption: null,
    requestedAt: now,
    startedAt: null,
    finishedAt: null,
    error: null,
    fullBlocks: [],
    reportedSaved: 0,
  } as const;
}
