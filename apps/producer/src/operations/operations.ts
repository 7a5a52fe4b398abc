import { Injectable } from '@nestjs/common';
import { type ClientSession, type Filter } from 'mongodb';
import { v7 as uuidv7 } from 'uuid';
import { reserveNumbers } from '#orders/numbering/number-blocks.js';
import {
  type ImportDocument,
  type IntakeDocument,
  type OperationDocument,
  operationsCollection,
  type PopulateDocument,
  type RedriveDocument,
  createSegments,
  type Lease,
} from '#orders/operation/operation.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { isDuplicateKey } from '#service/mongodb/mongo-errors.js';
import { tracing } from '#service/telemetry/tracing.js';
import { findKeyedOperation, storeKey } from './idempotency-keys.js';
import { type OperationsQuery, type PopulateRequest, withDefaults } from './operation-requests.js';

/** A request and its idempotency key; a repeated key must have the same request. */
interface KeyedRequest {
  readonly key: string | undefined;
  readonly request: object;
}

/** Creates, finds and lists operations in MongoDB. */
@Injectable()
export class Operations {
  constructor(private readonly mongo: Mongo) {}

  /**
   * Reserves the block of order numbers and stores the operation and its idempotency key, in one transaction.
   * For a known key, returns the existing operation.
   * @throws Problem 422 when the key was used for another request
   */
  async createPopulate(request: PopulateRequest, key: string | undefined): Promise<OperationDocument> {
    return this.create({ key, request }, async (session, now): Promise<PopulateDocument> => {
      const parameters = withDefaults(request, now, Math.random);
      const firstNumber = await reserveNumbers(this.mongo.db, parameters.count, session);
      return {
        ...newOperation(now),
        kind: 'populate',
        ...parameters,
        firstNumber,
        segments: createSegments(parameters.count),
      };
    });
  }

  /** Stores an import; its block of numbers is reserved once its files are read. Otherwise as `createPopulate`. */
  async createImport(
    parameters: Pick<ImportDocument, '_id' | 'chunkSize' | 'ratePerSecond'>,
    keyed: KeyedRequest,
  ): Promise<OperationDocument> {
    return this.create(keyed, async (_session, now): Promise<ImportDocument> => {
      const reading = { lease: null, epoch: 0 };
      return { ...newOperation(now), kind: 'import', ...parameters, count: 0, firstNumber: 0, segments: [], reading };
    });
  }

  /** Stores a redrive; the holder of the lease selects its dead letters. Otherwise as `createPopulate`. */
  async createRedrive(
    parameters: Pick<RedriveDocument, 'filter' | 'limit' | 'maxRedrives' | 'chunkSize' | 'ratePerSecond'>,
    lease: Lease,
    keyed: KeyedRequest,
  ): Promise<OperationDocument> {
    return this.create(keyed, async (_session, now): Promise<RedriveDocument> => {
      const redriving = { lease, epoch: 0, isSelected: false };
      return {
        ...newOperation(now),
        kind: 'redrive',
        ...parameters,
        letters: 0,
        count: 0,
        firstNumber: 0,
        segments: [],
        redriving,
      };
    });
  }

  /** Stores an operation for the orders that this process receives. It reserves no numbers. */
  async createIntake(lease: Lease, chunkSize: number): Promise<IntakeDocument> {
    const now = this.mongo.time.now();
    const figures = { count: 0, acked: 0, firstNumber: 0, segments: [], chunkSize, ratePerSecond: null };
    const times = { startedAt: now, from: now, to: now };
    const receiving = { lease, epoch: 0 };
    const operation = { ...newOperation(now), ...times, kind: 'intake' as const, ...figures, receiving };
    await this.collection.insertOne(operation);
    return operation;
  }

  private async create(
    { key, request }: KeyedRequest,
    make: (session: ClientSession, now: Date) => Promise<OperationDocument>,
  ): Promise<OperationDocument> {
    if (key === undefined) return this.insert({ key, request }, make);
    const knownId = await findKeyedOperation(this.mongo.db, key, request);
    if (knownId !== undefined) return this.existing(knownId);
    try {
      return await this.insert({ key, request }, make);
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      // A concurrent request with the same key was faster.
      const otherId = await findKeyedOperation(this.mongo.db, key, request);
      if (otherId === undefined) throw error;
      return this.existing(otherId);
    }
  }

  private async existing(id: string): Promise<OperationDocument> {
    const operation = await this.find(id);
    if (operation === null) throw new Error(`operation ${id} does not exist, but its idempotency key does`);
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
        if (key !== undefined)
          await storeKey(this.mongo.db, session, { key, request, operationId: operation._id, now });
        return operation;
      }),
    );
  }

  async find(id: string): Promise<OperationDocument | null> {
    return this.collection.findOne({ _id: id });
  }

  /** Lists operations, newest first, and one more than the page has. */
  async list({ status, kind, before, pageSize }: OperationsQuery): Promise<OperationDocument[]> {
    const filter: Filter<OperationDocument> = {
      ...(status !== undefined && { status }),
      ...(kind !== undefined && { kind }),
      // Ids are UUIDv7, which sort by creation time.
      ...(before !== undefined && { _id: { $lt: before } }),
    };
    return this.collection
      .find(filter)
      .sort({ _id: -1 })
      .limit(pageSize + 1)
      .toArray();
  }

  private get collection() {
    return operationsCollection(this.mongo.db);
  }
}

function newOperation(now: Date) {
  const traceparent = tracing()?.activeContext();
  return {
    _id: uuidv7(),
    status: 'running',
    interruption: null,
    requestedAt: now,
    ...(traceparent !== undefined && { traceparent }),
    startedAt: null,
    finishedAt: null,
    error: null,
    fullBlocks: [],
    reportedSaved: 0,
  } as const;
}
