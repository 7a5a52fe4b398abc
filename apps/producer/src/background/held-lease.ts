import type { ClientSession } from 'mongodb';
import { operationsCollection, type OperationDocument } from '#orders/operation/operation.js';
import type { Mongo } from '#service/mongodb/mongo.js';
import { createLease, LeaseLostError, type LeasedPart } from './lease.js';

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
    const lease = createLease(this.owner, this.mongo.time.now());
    const { status, interruption = null } = await this.update({ ...change, [`${this.place.path}.lease`]: lease });
    // The interruption that the work was claimed with does not end it.
    const isInterrupted = interruption !== null && interruption !== this.operation.interruption;
    if (isInterrupted || status === 'failed') this.ending.abort();
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
    const operation = await operationsCollection(this.mongo.db).findOneAndUpdate(
      // Also if another producer has marked the operation as failed: acknowledged progress must be stored.
      { _id, status: { $in: ['running', 'failed'] }, ...held },
      { $set: change },
      { returnDocument: 'after', ...(session !== undefined && { session }) },
    );
    if (operation !== null) return operation;
    this.ending.abort();
    throw new LeaseLostError(`lost the lease of ${this.place.path} of operation ${_id}`);
  }
}
