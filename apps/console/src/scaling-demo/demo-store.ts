import { randomUUID } from 'node:crypto';
import {
  findInFlightOverride,
  restoreInFlightOverride,
  setInFlightOverride,
  type InFlightOverrideDocument,
} from '#orders/consumer/consumers.js';
import { timeLimit } from '#orders/time-limit.js';
import { SoleLease, type SoleLeaseDocument } from '#service/mongodb/lease.js';
import type { Mongo } from '#service/mongodb/mongo.js';

/** What a scaling demo changes, stored before it does: another process can restore it after a crash. */
export interface PendingDemo {
  readonly id: string;
  /** As an ISO text. */
  readonly startedAt: string;
  /** How many consumers there were. */
  readonly consumers: number;
  /** The override of the in-flight limit that there was; `null`: none. */
  readonly override: InFlightOverrideDocument | null;
  /** The override that the demo sets. */
  readonly limit: number;
  readonly orders: number;
  /** The process that starts and stops the consumers. A later `npm start` has its own number of them. */
  readonly parent: number;
}

/** Keeps what must be restored, and the override of the in-flight limit. All methods may throw the error of the database. */
export interface DemoStore {
  /**
   * Takes the lease of all scaling demos unless another console has it.
   * @returns whether it was taken, and a demo that was not restored yet
   */
  take(): Promise<{ readonly isHeld: boolean; readonly pending: PendingDemo | null }>;
  /** Returns a demo that was not restored yet, also that of another console. */
  find(): Promise<PendingDemo | null>;
  /** Renews the lease. @returns whether this process still has it */
  renew(): Promise<boolean>;
  /** Returns the override of the in-flight limit. */
  override(): Promise<InFlightOverrideDocument | null>;
  /** Stores a demo, and then sets its limit. */
  begin(pending: PendingDemo): Promise<void>;
  /** Restores the override of before the demo, unless it was changed meanwhile. */
  restoreLimit(pending: PendingDemo): Promise<void>;
  /** Forgets the demo, and gives the lease up. */
  end(): Promise<void>;
}

/** How long a console may be silent before another one takes over, in ms. It renews the lease once a second. */
const LEASE_MS = timeLimit(10_000);

type DemoDocument = SoleLeaseDocument & { readonly pending?: PendingDemo };

/** A document beside the override, in a collection that the console may write already. */
export class MongoDemoStore implements DemoStore {
  private readonly lease: SoleLease<DemoDocument>;

  constructor(
    private readonly mongo: Mongo,
    owner: string = randomUUID(),
  ) {
    const place = { collection: 'consumerWishes', id: 'scaling-demo', owner, durationMs: LEASE_MS };
    this.lease = new SoleLease(mongo, place);
  }

  async take(): Promise<{ readonly isHeld: boolean; readonly pending: PendingDemo | null }> {
    const held = await this.lease.acquire();
    return { isHeld: held !== null, pending: held?.pending ?? null };
  }

  async find(): Promise<PendingDemo | null> {
    return (await this.lease.find())?.pending ?? null;
  }

  async renew(): Promise<boolean> {
    return (await this.lease.renew()) !== null;
  }

  async override(): Promise<InFlightOverrideDocument | null> {
    return findInFlightOverride(this.mongo.db);
  }

  async begin(pending: PendingDemo): Promise<void> {
    if ((await this.lease.renew({ pending })) === null) throw new Error('another console has the lease of the demo');
    await setInFlightOverride(this.mongo.db, pending.limit);
  }

  async restoreLimit({ limit, override }: PendingDemo): Promise<void> {
    await restoreInFlightOverride(this.mongo.db, limit, override);
  }

  async end(): Promise<void> {
    await this.lease.renew({}, { unset: { pending: true } });
    await this.lease.release();
  }
}
