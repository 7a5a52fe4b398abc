import { Injectable } from '@nestjs/common';
import type { Db } from 'mongodb';
import { deadLettersCollection } from '#orders/dead-letter/dead-letters.js';
import { chunksCollection, chunksOf } from '#orders/operation/acknowledged-chunks.js';
import { filesAfter, manifestCollection, manifestTotals } from '#orders/imports/import-manifest.js';
import { importRowsCollection } from '#orders/imports/import-rows.js';
import { operationsCollection, type OrdersDocument } from '#orders/operation/operation.js';
import { blocksOf, outsideOf, settledBlocksCollection, settledTotals } from '#orders/settled/settled-blocks.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { ImportRejects } from '../imports/import-rejects.js';

/** Documents that are removed at once: more would exceed the time-out of a write. */
const SLICE = 5_000;

/** Whether something of an operation is left: until when it is kept, or `open` if a dead letter is not settled. */
export type Left = 'nothing' | 'open' | { readonly until: Date };

/** Removes what an operation has besides its blocks, once all of these are settled. */
@Injectable()
export class OperationLeftovers {
  /** @param retentionMs how long settled dead letters, the files and the rejected rows of imports are kept, in milliseconds */
  constructor(
    private readonly mongo: Mongo,
    private readonly rejects: ImportRejects,
    private readonly retentionMs: number,
  ) {}

  /** @param rest is awaited after each part */
  async remove(operation: OrdersDocument, rest: () => Promise<void>): Promise<Left> {
    const { _id: operationId } = operation;
    const letters = deadLettersCollection(this.db);
    const open = await letters.countDocuments({ operationId, state: { $in: ['pending', 'redriving'] } }, { limit: 1 });
    if (open > 0) return 'open';
    if (operation.kind === 'import') await this.removeUnsentRows(operationId, rest);
    // Those of a cancelled operation that were stored, and not counted as acknowledged.
    await chunksCollection(this.db).deleteMany(chunksOf(operationId));
    const until = new Date((await this.settledAt(operation)).getTime() + this.retentionMs);
    if (until > this.mongo.time.now()) return (await this.hasRetained(operation)) ? { until } : 'nothing';
    if (await this.isRedriven(operationId)) return 'open';
    if (operation.kind === 'import') await this.removeManifest(operationId);
    await this.removeLetters(operationId, rest);
    return 'nothing';
  }

  /** Returns when the operation ended, or its last block was settled. */
  private async settledAt({ _id, finishedAt, requestedAt }: OrdersDocument): Promise<Date> {
    const last = await settledBlocksCollection(this.db).findOne(blocksOf(_id), { sort: { verifiedAt: -1 } });
    return new Date(Math.max((finishedAt ?? requestedAt).getTime(), last?.verifiedAt.getTime() ?? 0));
  }

  private async hasRetained({ _id: operationId, kind }: OrdersDocument): Promise<boolean> {
    if (kind === 'import') return true;
    return (await deadLettersCollection(this.db).countDocuments({ operationId }, { limit: 1 })) > 0;
  }

  /** Removes the rows that a cancelled or failed import has not sent: another import may bring these orders. */
  private async removeUnsentRows(operationId: string, rest: () => Promise<void>): Promise<void> {
    const rows = importRowsCollection(this.db);
    const unsent = { operationId, ...outsideOf(await settledTotals(this.db, operationId), 'index') };
    for (;;) {
      const ids = await rows
        .find(unsent)
        .limit(SLICE)
        .map(({ _id }) => _id)
        .toArray();
      if (ids.length === 0) return;
      await rows.deleteMany({ _id: { $in: ids }, operationId });
      await rest();
    }
  }

  /** Whether a redrive of its letters has not ended: it counts its letters. */
  private async isRedriven(operationId: string): Promise<boolean> {
    const redrives = await deadLettersCollection(this.db).distinct('tries.operationId', { operationId });
    const running = { _id: { $in: redrives as string[] }, status: { $in: ['running', 'paused'] } } as const;
    return (await operationsCollection(this.db).countDocuments(running, { limit: 1 })) > 0;
  }

  private async removeManifest(operationId: string): Promise<void> {
    const totals = await manifestTotals(this.db, operationId);
    await operationsCollection(this.db).updateOne({ _id: operationId }, { $set: { manifestTotals: totals } });
    await manifestCollection(this.db).deleteMany({ _id: filesAfter(operationId, -1) });
    await this.rejects.remove(operationId);
  }

  private async removeLetters(operationId: string, rest: () => Promise<void>): Promise<void> {
    const letters = deadLettersCollection(this.db);
    const settled = { operationId, state: { $in: ['saved', 'discarded'] } } as const;
    for (;;) {
      const ids = await letters
        .find(settled)
        .limit(SLICE)
        .map(({ _id }) => _id)
        .toArray();
      if (ids.length === 0) return;
      await letters.deleteMany({ _id: { $in: ids }, ...settled });
      await rest();
    }
  }

  private get db(): Db {
    return this.mongo.db;
  }
}
