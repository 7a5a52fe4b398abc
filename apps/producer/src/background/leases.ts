import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Filter } from 'mongodb';
import { operationsCollection, type OperationDocument, type Lease } from '#orders/operation/operation.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { HeldLease } from './held-lease.js';
import { createLease, isFree, type LeasedPart, type PartConditions } from './lease.js';

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
    return createLease(this.owner, this.mongo.time.now());
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
        $set: { ...change, [`${place.path}.lease`]: createLease(this.owner, now) },
        $inc: { [`${place.path}.epoch`]: 1 },
      },
      { sort: { _id: 1 }, returnDocument: 'after' },
    );
    const found = operation === null ? undefined : place.find(operation);
    return found === undefined ? null : new HeldLease(this.mongo, place, this.owner, found);
  }
}
