import { Injectable } from '@nestjs/common';
import { intakeBatchesCollection } from '#orders/numbering/intake-batches.js';
import { operationsCollection } from '#orders/operation/operation.js';
import { timeLimit } from '#orders/time-limit.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { LeasedJob, WakeUp } from '../background/leased-job.js';
import { LeaseLostError, Leases } from '../background/operation-leases.js';
import { BlockRecovery, IntakeTopic } from './batch-sender.js';
import { type IntakeLease, RECEIVING } from './intake-operations.js';
import { MongoIntakeStore } from './intake-store.js';

/** Closes operations: the process that received their orders does, or another one after a crash. */
@Injectable()
export class IntakeClosing {
  private readonly recovery: BlockRecovery;

  constructor(
    private readonly store: MongoIntakeStore,
    topic: IntakeTopic,
    private readonly mongo: Mongo,
  ) {
    this.recovery = new BlockRecovery(store, topic, () => mongo.time.now());
  }

  /**
   * Settles every block of the operation, and marks it as succeeded. Repeatable.
   * @throws LeaseLostError when another process has done that
   */
  async finish(lease: IntakeLease): Promise<void> {
    const { _id: id } = lease.operation;
    const blocks = (await this.store.unrecorded()).filter(({ operationId }) => operationId === id);
    for (const block of blocks) await this.recovery.settle(block);
    for (;;) {
      const reserved = await this.store.findReserved(id);
      for (const batch of reserved) await this.recovery.resend(batch);
      if (reserved.length === 0) break;
    }
    if (blocks.length > 0) await this.store.forget(blocks.map(({ first }) => first));
    const figures = await this.store.figures(id);
    const finishedAt = this.mongo.time.now();
    try {
      await lease.update({ ...figures, status: 'succeeded', finishedAt, receiving: null });
    } catch (error) {
      // The other process may have counted before the last batch of this one was stored.
      if (error instanceof LeaseLostError) await this.operations.updateOne({ _id: id }, { $max: figures });
      throw error;
    }
  }

  /**
   * Reopens ended operations, so that a process closes them again: one that had lost its lease has added to them later. Also those that a
   * producer of 0.1.0, which knows no intakes, has marked as succeeded while they received orders.
   */
  async reopen(ids: readonly string[]): Promise<void> {
    // Above the epochs of all earlier claims.
    const receiving = { lease: null, epoch: this.mongo.time.now().getTime() };
    await this.operations.updateMany(
      { _id: { $in: [...ids] }, kind: 'intake', status: { $ne: 'running' } },
      { $set: { status: 'running', finishedAt: null, receiving }, $unset: { compactedAt: true } },
    );
  }

  private get operations() {
    return operationsCollection(this.mongo.db);
  }
}

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
