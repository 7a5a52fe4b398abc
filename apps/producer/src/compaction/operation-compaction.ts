import { Injectable } from '@nestjs/common';
import type { Clock } from '@orders-pipeline/clock';
import { ArchivedIds } from '#orders/archive/archived-ids.js';
import { intakeBatchesCollection } from '#orders/numbering/intake-batches.js';
import {
  isEmitted,
  operationsCollection,
  type EmittedDocument,
  type IntakeDocument,
  type OrdersDocument,
  type IndexRange,
} from '#orders/operation/operation.js';
import {
  ackedBlocks,
  blocksOf,
  findSettledBlock,
  outsideOf,
  settledBlocksCollection,
  settledTotals,
  type SettledBlock,
} from '#orders/settled/settled-blocks.js';
import type { CheckSources } from '#reconcile/check-block.js';
import { groupPositions } from '#reconcile/record-positions.js';
import { verifyEmitted, verifyReceived } from '#reconcile/verify-block.js';
import { KafkaPositions } from '#service/kafka/kafka-clients.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { BlockBookkeeping } from './block-bookkeeping.js';
import { nextRun } from './received-run.js';
import { settleBlock, type SettlingSteps, type Unsettled } from './settle-block.js';
import { WorkShare } from './work-share.js';

/** What a turn has found of the blocks of an operation. */
export interface Turn {
  /** Orders of blocks that were compacted in this turn. */
  orders: number;
  /** The blocks that are not settled. */
  readonly unsettled: Unsettled[];
  /** When the first Idempotency-Key that keeps a block expires. */
  keysUntil?: Date | undefined;
}

/** Settles the blocks of ended operations, slowly: one part after another, with pauses. */
@Injectable()
export class OperationCompaction {
  constructor(
    private readonly mongo: Mongo,
    private readonly positions: KafkaPositions,
    private readonly bookkeeping: BlockBookkeeping,
    private readonly archivedIds: ArchivedIds,
    private readonly clock: Clock,
  ) {}

  /** Settles what can be settled. @throws the reason of the signal, or the error of MongoDB or Kafka: a later turn continues */
  async settle(operation: OrdersDocument, signal: AbortSignal): Promise<Turn> {
    const turn: Turn = { orders: 0, unsettled: [] };
    if (isEmitted(operation)) await this.settleEmitted(operation, turn, signal);
    else await this.settleReceived(operation, turn, signal);
    return turn;
  }

  /** Pauses after a part of the work. */
  restOf(signal: AbortSignal): () => Promise<void> {
    const share = new WorkShare(this.clock);
    return async () => {
      await share.rest();
      signal.throwIfAborted();
    };
  }

  private async settleEmitted(claimed: EmittedDocument, turn: Turn, signal: AbortSignal): Promise<void> {
    const operation = await this.fence(claimed);
    if (operation === undefined) {
      turn.unsettled.push({ kind: 'open', reason: 'a producer may still be sending' });
      return;
    }
    const rest = this.restOf(signal);
    for (const block of ackedBlocks(operation.segments)) {
      const stored = await findSettledBlock(this.mongo.db, operation._id, block.from);
      const verify = async () => verifyEmitted(operation, block, await this.sources(signal, rest));
      await this.settleOne(stored, { verify, ...this.steps(operation, rest) }, turn);
    }
  }

  private async settleReceived(operation: IntakeDocument, turn: Turn, signal: AbortSignal): Promise<void> {
    const { db } = this.mongo;
    const rest = this.restOf(signal);
    const steps = this.steps(operation, rest);
    const interrupted = await settledBlocksCollection(db)
      .find({ ...blocksOf(operation._id), isCompacted: false })
      .toArray();
    // A stored block is verified.
    for (const block of interrupted) await this.settleOne(block, { verify: neverVerified, ...steps }, turn);
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
        turn.keysUntil = run.until;
        return;
      }
      const { batches } = run;
      const verify = async () => verifyReceived(operation, batches, await this.sources(signal, rest));
      const isSettled = await this.settleOne(null, { verify, ...steps }, turn);
      const [first, last] = [batches[0], batches.at(-1)];
      if (!isSettled && first !== undefined && last !== undefined)
        left.push({ from: first.from, to: last.from + last.count });
    }
  }

  /** @returns whether the block is settled */
  private async settleOne(stored: SettledBlock | null, steps: SettlingSteps, turn: Turn): Promise<boolean> {
    let orders = 0;
    const finish = async (block: SettledBlock): Promise<void> => {
      await steps.finish(block);
      orders = block.count;
    };
    const unsettled = await settleBlock(stored, { ...steps, finish });
    turn.orders += orders;
    if (unsettled !== undefined) turn.unsettled.push(unsettled);
    return unsettled === undefined;
  }

  private steps(operation: OrdersDocument, rest: () => Promise<void>): Omit<SettlingSteps, 'verify'> {
    return {
      store: async (block) => this.bookkeeping.store(block),
      remove: async (block) => this.bookkeeping.remove(operation, block, rest),
      finish: async (block) => this.bookkeeping.finish(block),
    };
  }

  private async sources(signal: AbortSignal, onChecked: () => Promise<void>): Promise<CheckSources> {
    const { archivedIds } = this;
    return { db: this.mongo.db, positions: await groupPositions(this.positions), archivedIds, signal, onChecked };
  }

  /**
   * Takes the expired leases of the operation's segments, so that a producer that hangs can't store what Kafka acknowledges later.
   * @returns the operation from then on; `undefined` while a lease is held
   */
  private async fence({ _id }: EmittedDocument): Promise<EmittedDocument | undefined> {
    const now = this.mongo.time.now();
    const free = { segments: { $not: { $elemMatch: { 'lease.expiresAt': { $gte: now } } } } };
    const fenced = await operationsCollection(this.mongo.db).findOneAndUpdate(
      { _id, ...free },
      { $set: { 'segments.$[].lease': null } },
      { returnDocument: 'after' },
    );
    return fenced !== null && isEmitted(fenced) ? fenced : undefined;
  }
}

async function neverVerified(): Promise<never> {
  return Promise.reject(new Error('a stored block is not verified again'));
}
