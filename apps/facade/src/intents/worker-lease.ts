import type { Collection } from 'mongodb';
import type { Mongo } from '#service/mongodb/mongo.js';
import { timeLimit } from '#orders/time-limit.js';

const LEASE_ID = 'outbox';
/**
 * How long a worker may be silent, in ms. Clients of all instances wait for the worker: reads of the new side and writes of a hand-over get
 * 503 after 2 s, so that another one must have taken over by then.
 */
export const LEASE_MS = timeLimit(1_000);
const DUPLICATE_KEY = 11_000;

/** Lets one instance at a time do the background work. */
export interface WorkerLease {
  /** Takes or renews the lease. @returns whether this process holds it */
  hold(): Promise<boolean>;
  release(): Promise<void>;
}

interface LeaseDocument {
  readonly _id: typeof LEASE_ID;
  readonly owner: string;
  readonly expiresAt: Date;
}

/**
 * The lease in MongoDB: the collection `migrationLeases`. It saves work, and fences nothing: two workers at once do no harm, so a
 * process that lost its lease without noticing does none either.
 */
export class MongoWorkerLease implements WorkerLease {
  private readonly leases: Collection<LeaseDocument>;

  constructor(
    private readonly mongo: Mongo,
    private readonly owner: string,
  ) {
    this.leases = mongo.db.collection('migrationLeases');
  }

  async hold(): Promise<boolean> {
    const now = this.mongo.time.now();
    const lease = { owner: this.owner, expiresAt: new Date(now.getTime() + LEASE_MS) };
    try {
      const { matchedCount, upsertedCount } = await this.leases.updateOne(
        { _id: LEASE_ID, $or: [{ owner: this.owner }, { expiresAt: { $lt: now } }] },
        { $set: lease },
        { upsert: true },
      );
      return matchedCount + upsertedCount === 1;
    } catch (error) {
      // The lease exists, and is another process's.
      if ((error as { code?: unknown }).code === DUPLICATE_KEY) return false;
      throw error;
    }
  }

  async release(): Promise<void> {
    await this.leases.deleteOne({ _id: LEASE_ID, owner: this.owner });
  }
}
