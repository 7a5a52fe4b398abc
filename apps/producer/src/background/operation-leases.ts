import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { ClientSession, Filter } from 'mongodb';
import { type OperationDocument, operationsCollection, type Lease } from '#orders/operation/operation.js';
import { timeLimit } from '#orders/time-limit.js';
import { isFree, leaseFrom } from '#service/mongodb/lease.js';
import { Mongo } from '#service/mongodb/mongo.js';

/** Duration of a lease, in ms. Other processes can claim the work of a silent process after this time. */
export const LEASE_MS = timeLimit(10_000);

/** This process no longer holds the lease: another process claimed the work, or the work has ended. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
  readonly code = 'lease-lost';
}

/** Conditions on the fields of a part, by path in the part. */
type PartConditions = Readonly<Record<string, unknown>>;

/** The part of an operation that one process at a time works on. It stores the fields `lease` and `epoch`. */
export interface LeasedPart<D extends OperationDocument, P extends { readonly epoch: number }> {
  /** The path of the part in updates, such as `segments.$`. */
  readonly path: string;
  /**
   * The statuses in which the holder may write. Default: also `failed`, because another producer may have marked the operation as failed,
   * and acknowledged progress must be stored.
   */
  readonly writableIn?: readonly OperationDocument['status'][];
  /** Returns the filter of the operations whose part meets the conditions. */
  match(conditions: PartConditions): object;
  /** Returns the part of an operation; `undefined` if it has none. */
  find(operation: OperationDocument): { readonly operation: D; readonly part: P } | undefined;
}

/** Returns a part that is a field of the operation. */
export function partInField<D extends OperationDocument, P extends { readonly epoch: number }>(
  field: 'reading' | 'receiving' | 'redriving' | 'compaction',
  find: LeasedPart<D, P>['find'],
): LeasedPart<D, P> {
  const match = (conditions: PartConditions): object =>
    Object.fromEntries(Object.entries(conditions).map(([name, value]) => [`${field}.${name}`, value]));
  return { path: field, match, find };
}

/**
 * A part of an operation that this process has claimed. The owner and the part's epoch fence every write: a process that lost its
 * lease changes nothing. All writes throw LeaseLostError then.
 */
export class HeldLease<D extends OperationDocument, P extends { readonly epoch: number }> {
  /** The operation and its part, as they were claimed. */
  readonly operation: D;
  readonly part: P;
  private readonly ending = new AbortController();

  constructor(
    private readonly mongo: Mongo,
    private readonly place: LeasedPart<D, P>,
    private readonly owner: string,
    { operation, part }: { readonly operation: D; readonly part: P },
  ) {
    this.operation = operation;
    this.part = part;
  }

  /** Aborts when the work must end: the lease is lost, the operation failed, or an interruption was requested. */
  get over(): AbortSignal {
    return this.ending.signal;
  }

  /** Renews the lease and stores a change. */
  async renew(change: object = {}): Promise<void> {
    const lease = leaseFrom(this.mongo.time.now(), this.owner, LEASE_MS);
    const { status, interruption = null } = await this.update({ ...change, [`${this.place.path}.lease`]: lease });
    // The interruption and the failure that the work was claimed with do not end it.
    const isInterrupted = interruption !== null && interruption !== this.operation.interruption;
    const hasFailed = status === 'failed' && status !== this.operation.status;
    if (isInterrupted || hasFailed) this.ending.abort();
  }

  /** Stores a change and releases the lease, so that another process can continue at once. @returns the operation */
  async release(change: object = {}): Promise<OperationDocument> {
    return this.update({ ...change, [`${this.place.path}.lease`]: null });
  }

  /** Marks the operation as failed, and releases the lease. */
  async fail({ code, message }: { readonly code: string; readonly message: string }): Promise<void> {
    const ended = { finishedAt: this.mongo.time.now(), interruption: null, waitingFor: null };
    await this.release({ status: 'failed', error: { code, message }, ...ended });
  }

  /** Stores a change. @returns the operation */
  async update(change: object, session?: ClientSession): Promise<OperationDocument> {
    const { _id } = this.operation;
    const held = this.place.match({ epoch: this.part.epoch, 'lease.owner': this.owner });
    const statuses = this.place.writableIn ?? ['running', 'failed'];
    const operation = await operationsCollection(this.mongo.db).findOneAndUpdate(
      { _id, status: { $in: [...statuses] }, ...held },
      { $set: change },
      { returnDocument: 'after', ...(session !== undefined && { session }) },
    );
    if (operation !== null) return operation;
    this.ending.abort();
    throw new LeaseLostError(`lost the lease of ${this.place.path} of operation ${_id}`);
  }
}

/**
 * Assigns parts of operations to processes, one process per part. Each claim increments the part's epoch, which fences the writes of
 * earlier holders, even of the same process.
 */
@Injectable()
export class Leases {
  private readonly owner = randomUUID();

  constructor(private readonly mongo: Mongo) {}

  /** Creates a lease that starts now, for the part of an operation that this process is about to store. */
  create(): Lease {
    return leaseFrom(this.mongo.time.now(), this.owner, LEASE_MS);
  }

  /** Returns the hold on a part that this process has stored with a lease of `create`. */
  hold<D extends OperationDocument, P extends { readonly epoch: number }>(
    place: LeasedPart<D, P>,
    operation: D,
    part: P,
  ): HeldLease<D, P> {
    return new HeldLease(this.mongo, place, this.owner, { operation, part });
  }

  /**
   * Claims a part of the oldest operation that matches the filter and whose part no process holds.
   * @param where further conditions on the part
   * @param change further fields to set in the operation
   * @returns `null` if there is none
   */
  async claim<D extends OperationDocument, P extends { readonly epoch: number }>(
    place: LeasedPart<D, P>,
    filter: Filter<OperationDocument>,
    { where = {}, change = {} }: { where?: PartConditions; change?: object } = {},
  ): Promise<HeldLease<D, P> | null> {
    const now = this.mongo.time.now();
    const operation = await operationsCollection(this.mongo.db).findOneAndUpdate(
      { ...filter, ...place.match({ ...where, ...isFree(now) }) },
      {
        $set: { ...change, [`${place.path}.lease`]: leaseFrom(now, this.owner, LEASE_MS) },
        $inc: { [`${place.path}.epoch`]: 1 },
      },
      { sort: { _id: 1 }, returnDocument: 'after' },
    );
    const found = operation === null ? undefined : place.find(operation);
    return found === undefined ? null : new HeldLease(this.mongo, place, this.owner, found);
  }
}
