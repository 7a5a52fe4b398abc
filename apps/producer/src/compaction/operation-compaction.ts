import { Injectable } from '@nestjs/common';
import type { Db } from 'mongodb';
import { Counter, Gauge, type Registry } from 'prom-client';
import { type Clock, pause, systemClock } from '@orders-pipeline/clock';
import { ArchivedIds } from '#orders/archive/archived-ids.js';
import { chunksCollection } from '#orders/operation/acknowledged-chunks.js';
import { importRowsCollection } from '#orders/imports/import-rows.js';
import { type IntakeBatch, intakeBatchesCollection } from '#orders/numbering/intake-batches.js';
import {
  type SegmentedDocument,
  FULL_BLOCK_ORDERS,
  type IntakeDocument,
  isSegmented,
  operationsCollection,
  type OrdersDocument,
  type IndexRange,
} from '#orders/operation/operation.js';
import {
  ackedBlocks,
  blocksOf,
  findSettledBlock,
  outsideOf,
  type SettledBlock,
  settledBlocksCollection,
  settledTotals,
} from '#orders/settled/settled-blocks.js';
import { unpackIndexes } from '#orders/numbering/number-runs.js';
import type { CheckSources } from '#reconcile/check-block.js';
import { groupPositions } from '#reconcile/record-positions.js';
import {
  type Verification,
  type VerifiedBlock,
  verifySegmented,
  verifyReceived,
} from '#reconcile/verify-before-compaction.js';
import { KafkaPositions } from '#service/kafka/kafka-clients.js';
import { Mongo } from '#service/mongodb/mongo.js';

/** The ratio of pauses to work: the work uses about 1/20 of a CPU core, so that it does not slow down saves. */
const PAUSE_PER_WORK = 19;
/** The longest pause, in ms. A part that waits seconds for the database has not worked as long, and must not stop the work for minutes. */
const MAX_PAUSE_MS = 5_000;

/** Bounds the share of time that background work takes. */
export class WorkShare {
  private workedSince: number;

  constructor(private readonly clock: Clock) {
    this.workedSince = clock.now();
  }

  /** Pauses in proportion to the time since the last pause, at most five seconds. Call it after each small part of the work. */
  async rest(): Promise<void> {
    await pause(this.clock, Math.min(PAUSE_PER_WORK * (this.clock.now() - this.workedSince), MAX_PAUSE_MS));
    this.workedSince = this.clock.now();
  }
}

/** Batches of one verified block: they are in memory at once. */
const MAX_BATCHES = 5_000;

/** The next batches that may be compacted together, or why none may. */
type ReceivedRun =
  | { readonly kind: 'batches'; readonly batches: readonly IntakeBatch[] }
  | { readonly kind: 'keys'; readonly until: Date | undefined };

/**
 * Takes the batches of the next verified block of an intake: up to 100,000 orders of up to 5,000 batches. A batch with Idempotency-Keys that
 * are stored still answers repeated requests, so that nothing is compacted before its keys have expired.
 * @param batches the acknowledged batches outside of `passed`, by ascending index
 * @param passed indexes of other blocks: no block reaches across them
 * @returns `undefined` if there is none
 */
export async function nextRun(
  batches: AsyncIterable<IntakeBatch>,
  passed: readonly IndexRange[],
): Promise<ReceivedRun | undefined> {
  const run: IntakeBatch[] = [];
  let orders = 0;
  for await (const batch of batches) {
    const [first] = run;
    if (first !== undefined) {
      if (orders + batch.count > FULL_BLOCK_ORDERS || run.length === MAX_BATCHES) break;
      if (passed.some(({ from }) => first.from < from && from <= batch.from)) break;
    }
    if (batch.requests !== undefined) return { kind: 'keys', until: batch.keysUntil };
    run.push(batch);
    orders += batch.count;
  }
  return run.length === 0 ? undefined : { kind: 'batches', batches: run };
}

/** The steps of compacting one block. Each is durable when it resolves, and harmless when it is repeated. */
export interface CompactionSteps {
  /** Compares the orders of the block with what was sent. */
  verify(): Promise<Verification>;
  /** Stores the digest. @returns the stored block, which may be that of another process */
  store(block: VerifiedBlock): Promise<SettledBlock>;
  /** Removes the processing metadata that the stored block replaces. */
  remove(block: SettledBlock): Promise<void>;
  /** Records that the processing metadata is removed. */
  finish(block: SettledBlock): Promise<void>;
}

/** Why a block is not compacted. */
type Uncompacted = Exclude<Verification, { readonly kind: 'verified' }>;

/**
 * Replaces the processing metadata of a block by its digest: verify, store the digest, remove. A crash after any step leaves a state from
 * which the next pass continues, and nothing is removed without a stored digest.
 * @param stored the block of an earlier pass; `null` if it is not verified yet
 * @returns why the block is not compacted; `undefined` if it is stored as verified and its processing metadata is removed
 */
export async function compactBlock(
  stored: SettledBlock | null,
  steps: CompactionSteps,
): Promise<Uncompacted | undefined> {
  if (stored?.isCompacted === true) return undefined;
  let block = stored;
  if (block === null) {
    const verification = await steps.verify();
    if (verification.kind !== 'verified') return verification;
    block = await steps.store(verification.block);
  }
  await steps.remove(block);
  await steps.finish(block);
  return undefined;
}

/** Indexes whose documents are removed at once: more would exceed the time-out of a write. */
const SLICE = 5_000;

/** What a pass has found of the blocks of an operation. */
export interface CompactionPass {
  /** Orders of blocks that were compacted in this pass. */
  orders: number;
  /** The blocks that are not compacted. */
  readonly uncompacted: Uncompacted[];
  /** When the first Idempotency-Key that keeps a block expires. */
  keysUntil?: Date | undefined;
}

/** Compacts the blocks of ended operations, slowly: one part after another, with pauses. */
@Injectable()
export class OperationCompaction {
  constructor(
    private readonly mongo: Mongo,
    private readonly positions: KafkaPositions,
    private readonly archivedIds: ArchivedIds,
  ) {}

  /** Compacts what can be compacted. @throws the reason of the signal, or the error of MongoDB or Kafka: a later pass continues */
  async compact(operation: OrdersDocument, signal: AbortSignal): Promise<CompactionPass> {
    const pass: CompactionPass = { orders: 0, uncompacted: [] };
    if (isSegmented(operation)) await this.compactSegmented(operation, pass, signal);
    else await this.compactReceived(operation, pass, signal);
    return pass;
  }

  /** Pauses after a part of the work. */
  restOf(signal: AbortSignal): () => Promise<void> {
    const share = new WorkShare(systemClock);
    return async () => {
      await share.rest();
      signal.throwIfAborted();
    };
  }

  private async compactSegmented(claimed: SegmentedDocument, pass: CompactionPass, signal: AbortSignal): Promise<void> {
    const operation = await this.fence(claimed);
    if (operation === undefined) {
      pass.uncompacted.push({ kind: 'open', reason: 'a producer may still be sending' });
      return;
    }
    const rest = this.restOf(signal);
    for (const block of ackedBlocks(operation.segments)) {
      const stored = await findSettledBlock(this.mongo.db, operation._id, block.from);
      const verify = async () => verifySegmented(operation, block, await this.sources(signal, rest));
      await this.compactOne(stored, { verify, ...this.steps(operation, pass, rest) }, pass);
    }
  }

  private async compactReceived(operation: IntakeDocument, pass: CompactionPass, signal: AbortSignal): Promise<void> {
    const { db } = this.mongo;
    const rest = this.restOf(signal);
    const steps = this.steps(operation, pass, rest);
    const interrupted = await settledBlocksCollection(db)
      .find({ ...blocksOf(operation._id), isCompacted: false })
      .toArray();
    // A stored block is verified.
    for (const block of interrupted) await this.compactOne(block, { verify: neverVerified, ...steps }, pass);
    const left: IndexRange[] = [];
    for (;;) {
      const passed = [...(await settledTotals(db, operation._id)).ranges, ...left];
      const filter = {
        operationId: operation._id,
        state: 'acknowledged',
        ...outsideOf({ ranges: passed }, 'from'),
      } as const;
      const run = await nextRun(intakeBatchesCollection(db).find(filter).sort({ from: 1 }), passed);
      if (run === undefined) return;
      if (run.kind === 'keys') {
        pass.keysUntil = run.until;
        return;
      }
      const { batches } = run;
      const verify = async () => verifyReceived(operation, batches, await this.sources(signal, rest));
      const isCompacted = await this.compactOne(null, { verify, ...steps }, pass);
      const [first, last] = [batches[0], batches.at(-1)];
      if (!isCompacted && first !== undefined && last !== undefined)
        left.push({ from: first.from, to: last.from + last.count });
    }
  }

  /** @returns whether the block is compacted */
  private async compactOne(
    stored: SettledBlock | null,
    steps: CompactionSteps,
    pass: CompactionPass,
  ): Promise<boolean> {
    const uncompacted = await compactBlock(stored, steps);
    if (uncompacted !== undefined) pass.uncompacted.push(uncompacted);
    return uncompacted === undefined;
  }

  private steps(
    operation: OrdersDocument,
    pass: CompactionPass,
    rest: () => Promise<void>,
  ): Omit<CompactionSteps, 'verify'> {
    return {
      store: async (block) => this.store(block),
      remove: async (block) => this.remove(operation, block, rest),
      finish: async ({ _id, count }) => {
        await settledBlocksCollection(this.mongo.db).updateOne({ _id }, { $set: { isCompacted: true } });
        pass.orders += count;
      },
    };
  }

  /** Stores a verified block. @returns the stored one: another process may have stored it at the same time */
  private async store(block: VerifiedBlock): Promise<SettledBlock> {
    const { _id, ...fields } = block;
    const verified = { ...fields, verifiedAt: this.mongo.time.now(), isCompacted: false };
    const stored = await settledBlocksCollection(this.mongo.db).findOneAndUpdate(
      { _id },
      { $setOnInsert: verified },
      { upsert: true, returnDocument: 'after' },
    );
    if (stored === null) throw new Error(`the verified block of ${_id.operationId} at ${_id.from} is not stored`);
    return stored;
  }

  /**
   * Removes the chunks, rows and batches of a verified block. The rows of orders that are not stored under their number stay: a discarded
   * order must not be imported again.
   * @param rest is awaited after each part
   */
  private async remove({ kind }: OrdersDocument, block: SettledBlock, rest: () => Promise<void>): Promise<void> {
    const { operationId, from } = block._id;
    if (kind === 'intake') {
      await forSlices({ from, to: block.to }, async (slice) => removeBatches(this.mongo.db, operationId, slice), rest);
      return;
    }
    if (kind === 'import') await this.removeRows(block, rest);
    await chunksCollection(this.mongo.db).deleteMany({
      _id: { $gte: { operationId, from }, $lt: { operationId, from: block.to } },
    });
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
        if (ranges.length > 0) await importRowsCollection(this.mongo.db).bulkWrite(ranges, { ordered: false });
      },
      rest,
    );
  }

  private async sources(signal: AbortSignal, onChecked: () => Promise<void>): Promise<CheckSources> {
    const { archivedIds } = this;
    return { db: this.mongo.db, positions: await groupPositions(this.positions), archivedIds, signal, onChecked };
  }

  /**
   * Takes the expired leases of the operation's segments, so that a producer that hangs can't store what Kafka acknowledges later.
   * @returns the operation from then on; `undefined` while a lease is held
   */
  private async fence({ _id }: SegmentedDocument): Promise<SegmentedDocument | undefined> {
    const now = this.mongo.time.now();
    const free = { segments: { $not: { $elemMatch: { 'lease.expiresAt': { $gte: now } } } } };
    const fenced = await operationsCollection(this.mongo.db).findOneAndUpdate(
      { _id, ...free },
      { $set: { 'segments.$[].lease': null } },
      { returnDocument: 'after' },
    );
    return fenced !== null && isSegmented(fenced) ? fenced : undefined;
  }
}

async function neverVerified(): Promise<never> {
  return Promise.reject(new Error('a stored block is not verified again'));
}

async function removeBatches(db: Db, operationId: string, slice: IndexRange): Promise<void> {
  // Abandoned batches stay: their numbers are known to be unused by them, and a hanging process can't store a batch there.
  const acknowledged = { operationId, state: 'acknowledged', from: within(slice) } as const;
  await intakeBatchesCollection(db).deleteMany(acknowledged);
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

/** Creates the metrics of the compaction. */
export function measureCompaction(registry: Registry) {
  const registers = [registry];
  const compacted = new Counter({
    name: 'producer_compacted_orders_total',
    help: 'Orders whose processing metadata was verified and replaced by the digest of their block',
    registers,
  });
  const defects = new Map<string, number>();
  const blocks = new Gauge({
    name: 'producer_compaction_defects',
    help: 'Blocks of orders that are not compacted, because an order is lost, altered or was never sent',
    registers,
  });
  return {
    compacted: (orders: number): void => compacted.inc(orders),
    /** @param count the blocks of this operation with a lost, altered or invented order */
    defects: (operationId: string, count: number): void => {
      if (count === 0) defects.delete(operationId);
      else defects.set(operationId, count);
      blocks.set([...defects.values()].reduce((sum, each) => sum + each, 0));
    },
  };
}
