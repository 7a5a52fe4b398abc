import { Injectable } from '@nestjs/common';
import { intakeBatchesCollection } from '#orders/numbering/intake-batches.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { Leases } from '../background/leases.js';
import { LeasedJob } from '../background/leased-job.js';
import { WakeUp } from '../background/wake-up.js';
import { IntakeClosing, RECEIVING } from './intake-closing.js';
import type { IntakeLease } from './intake-operations.js';
import { MongoIntakeStore } from './mongo-intake-store.js';
import { timeLimit } from '#orders/time-limit.js';

/** How often an idle job looks for what crashes have left, and for expired keys, in ms. */
const SWEEP_EVERY_MS = 5_000;
/** A batch that is reserved for longer, in ms, is not being sent any more, unless its process hangs. */
const STALE_MS = timeLimit(15_000);

/** Closes operations whose process has crashed, and drops expired idempotency keys. */
@Injectable()
export class IntakeRecoveryJob extends LeasedJob<IntakeLease> {
  private sweptAt = -Infinity;

  constructor(
    private readonly mongo: Mongo,
    private readonly leases: Leases,
    private readonly closing: IntakeClosing,
    private readonly store: MongoIntakeStore,
    wakeUp: WakeUp,
  ) {
    super(wakeUp);
  }

  protected async claim(): Promise<IntakeLease | null> {
    return this.leases.claim(RECEIVING, { kind: 'intake', status: 'running', receiving: { $ne: null } });
  }

  protected async run(lease: IntakeLease): Promise<void> {
    await this.closing.finish(lease);
    this.logger.log({ operation: lease.operation._id }, 'operation of a crashed process closed');
  }

  protected async idle(): Promise<void> {
    if (this.clock.now() - this.sweptAt < SWEEP_EVERY_MS) return;
    this.sweptAt = this.clock.now();
    await this.dropExpiredKeys();
    const blocks = await this.store.unrecorded();
    const reserved = await this.batches.distinct('operationId', {
      state: 'reserved',
      at: { $lt: new Date(this.mongo.time.now().getTime() - STALE_MS) },
    });
    const ids = new Set([...blocks.map(({ operationId }) => operationId), ...reserved]);
    if (ids.size > 0) await this.closing.reopen([...ids]);
  }

  private async dropExpiredKeys(): Promise<void> {
    const expired = { keysUntil: { $lt: this.mongo.time.now() } };
    await this.batches.updateMany(expired, { $unset: { requests: true, keysUntil: true } });
  }

  private get batches() {
    return intakeBatchesCollection(this.mongo.db);
  }
}
