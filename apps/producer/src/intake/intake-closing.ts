import { Injectable } from '@nestjs/common';
import { operationsCollection, type IntakeDocument } from '#orders/operation/operation.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { matchField, LeaseLostError, type LeasedPart } from '../background/lease.js';
import { BlockRecovery } from './block-recovery.js';
import type { IntakeLease } from './intake-operations.js';
import { MongoIntakeStore } from './mongo-intake-store.js';

type Receiving = NonNullable<IntakeDocument['receiving']>;

/** The part of an operation that receives orders. */
export const RECEIVING: LeasedPart<IntakeDocument, Receiving> = {
  path: 'receiving',
  match: matchField('receiving'),
  find: (operation) =>
    operation.kind === 'intake' && operation.receiving ? { operation, part: operation.receiving } : undefined,
};

/** Closes operations: the process that received their orders does, or another one after a crash. */
@Injectable()
export class IntakeClosing {
  constructor(
    private readonly store: MongoIntakeStore,
    private readonly recovery: BlockRecovery,
    private readonly mongo: Mongo,
  ) {}

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
