import type { Collection, Filter, UpdateFilter, WithId } from 'mongodb';
import type { Lease } from '#orders/operation/operation.js';
import type { Mongo } from './mongo.js';
import { isDuplicateKey } from './mongo-errors.js';

/** Returns a lease that starts now. @param now MongoDB's time, which all processes use to compare leases */
export function leaseFrom(now: Date, owner: string, durationMs: number): Lease {
  return { owner, expiresAt: new Date(now.getTime() + durationMs) };
}

/** Returns the condition that no process holds the lease in the field `lease`. @param now MongoDB's time */
export function isFree(now: Date): { readonly 'lease.expiresAt': object } {
  return { 'lease.expiresAt': { $not: { $gte: now } } };
}

/** What a document of a `SoleLease` has besides the fields of its user. */
export interface SoleLeaseDocument {
  readonly _id: string;
  /** `null`: it was released. */
  readonly owner: string | null;
  /** By MongoDB's clock. */
  readonly expiresAt: Date;
}

/**
 * A lease that one process at a time holds, with what belongs to it in the same document. A holder that is silent for as long as the lease
 * lasts loses it to the process that acquires it next.
 *
 * Only what is stored by `renew` is fenced: other work of a process that has lost its lease goes on until it notices.
 */
export class SoleLease<D extends SoleLeaseDocument> {
  private readonly collection: Collection<D>;

  constructor(
    private readonly mongo: Mongo,
    private readonly place: {
      readonly collection: string;
      readonly id: D['_id'];
      /** Of this process. */
      readonly owner: string;
      readonly durationMs: number;
    },
  ) {
    this.collection = mongo.db.collection<D>(place.collection);
  }

  /** Takes or renews the lease. @param change further fields @returns the document; `null` while another process holds the lease */
  async acquire(change: Partial<D> = {}): Promise<WithId<D> | null> {
    const { id, owner } = this.place;
    const isMineOrFree = [{ owner: { $in: [owner, null] } }, { expiresAt: { $lt: this.mongo.time.now() } }];
    try {
      return await this.collection.findOneAndUpdate(
        { _id: id, $or: isMineOrFree } as Filter<D>,
        { $set: { ...change, ...this.lease() } },
        { upsert: true, returnDocument: 'after' },
      );
    } catch (error) {
      // The document exists, and its lease is another process's.
      if (isDuplicateKey(error)) return null;
      throw error;
    }
  }

  /** Renews the lease and stores a change. @returns the document before; `null`: the lease is lost, and nothing was stored */
  async renew(change: Partial<D> = {}, { unset = {} }: { readonly unset?: object } = {}): Promise<WithId<D> | null> {
    const { id, owner } = this.place;
    const update = { $set: { ...change, ...this.lease() }, $unset: unset } as UpdateFilter<D>;
    return this.collection.findOneAndUpdate({ _id: id, owner } as Filter<D>, update, { returnDocument: 'before' });
  }

  /** Gives the lease up, so that another process can take it at once. */
  async release(): Promise<void> {
    const { id, owner } = this.place;
    const released = { owner: null, expiresAt: new Date(0) };
    await this.collection.updateOne({ _id: id, owner } as Filter<D>, { $set: released } as unknown as UpdateFilter<D>);
  }

  /** Returns the document, whichever process holds the lease. */
  async find(): Promise<WithId<D> | null> {
    return this.collection.findOne({ _id: this.place.id } as Filter<D>);
  }

  private lease(): Lease {
    return leaseFrom(this.mongo.time.now(), this.place.owner, this.place.durationMs);
  }
}
