import { Injectable } from '@nestjs/common';
import type { Db } from 'mongodb';
import { chunksCollection } from '#orders/operation/acknowledged-chunks.js';
import { importRowsCollection } from '#orders/imports/import-rows.js';
import { intakeBatchesCollection } from '#orders/numbering/intake-batches.js';
import type { OrdersDocument, IndexRange } from '#orders/operation/operation.js';
import { unpackIndexes } from '#orders/numbering/number-runs.js';
import { settledBlocksCollection, type SettledBlock } from '#orders/settled/settled-blocks.js';
import { Mongo } from '#service/mongodb/mongo.js';
import type { VerifiedBlock } from '#reconcile/verify-block.js';

/** Indexes whose documents are removed at once: more would exceed the time-out of a write. */
const SLICE = 5_000;

/** Stores settled blocks, and removes the bookkeeping that they replace. */
@Injectable()
export class BlockBookkeeping {
  constructor(private readonly mongo: Mongo) {}

  /** Stores a verified block. @returns the stored one: another process may have settled the block at the same time */
  async store(block: VerifiedBlock): Promise<SettledBlock> {
    const { _id, ...fields } = block;
    const settled = { ...fields, verifiedAt: this.mongo.time.now(), isCompacted: false };
    const stored = await this.blocks.findOneAndUpdate(
      { _id },
      { $setOnInsert: settled },
      { upsert: true, returnDocument: 'after' },
    );
    if (stored === null) throw new Error(`the settled block of ${_id.operationId} at ${_id.from} is not stored`);
    return stored;
  }

  /**
   * Removes the chunks, rows and batches of a settled block. The rows of orders that are not stored under their number stay: a discarded
   * order must not be imported again.
   * @param rest is awaited after each part
   */
  async remove({ kind }: OrdersDocument, block: SettledBlock, rest: () => Promise<void>): Promise<void> {
    const { operationId, from } = block._id;
    if (kind === 'intake') {
      await forSlices({ from, to: block.to }, async (slice) => removeBatches(this.db, operationId, slice), rest);
      return;
    }
    if (kind === 'import') await this.removeRows(block, rest);
    await chunksCollection(this.db).deleteMany({
      _id: { $gte: { operationId, from }, $lt: { operationId, from: block.to } },
    });
  }

  async finish({ _id }: SettledBlock): Promise<void> {
    await this.blocks.updateOne({ _id }, { $set: { isCompacted: true } });
  }

  private async removeRows(block: SettledBlock, rest: () => Promise<void>): Promise<void> {
    const { operationId, from } = block._id;
    const kept = unpackIndexes(block.absent);
    await forSlices(
      { from, to: block.to },
      async (slice) => {
        const ranges = around(slice, kept).map((range) => ({
          deleteMany: { filter: { operationId, index: within(range) } },
        }));
        if (ranges.length > 0) await importRowsCollection(this.db).bulkWrite(ranges, { ordered: false });
      },
      rest,
    );
  }

  private get blocks() {
    return settledBlocksCollection(this.db);
  }

  private get db(): Db {
    return this.mongo.db;
  }
}

async function removeBatches(db: Db, operationId: string, slice: IndexRange): Promise<void> {
  // Abandoned batches stay: their numbers are known to be unused by them, and a hanging process can't store a batch there.
  const settled = { operationId, state: 'acknowledged', from: within(slice) } as const;
  await intakeBatchesCollection(db).deleteMany(settled);
}

async function forSlices(
  { from, to }: IndexRange,
  work: (slice: IndexRange) => Promise<void>,
  rest: () => Promise<void>,
): Promise<void> {
  for (let start = from; start < to; start += SLICE) {
    await work({ from: start, to: Math.min(start + SLICE, to) });
    await rest();
  }
}

/** Returns the parts of a range between indexes that are left out. @param kept in ascending order */
function around({ from, to }: IndexRange, kept: readonly number[]): IndexRange[] {
  const ranges: IndexRange[] = [];
  let start = from;
  for (const index of kept) {
    if (index < start) continue;
    if (index >= to) break;
    if (index > start) ranges.push({ from: start, to: index });
    start = index + 1;
  }
  if (start < to) ranges.push({ from: start, to });
  return ranges;
}

function within({ from, to }: IndexRange): { $gte: number; $lt: number } {
  return { $gte: from, $lt: to };
}
