import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Counter, Gauge, type Registry } from 'prom-client';
import {
  hasOrders,
  type OperationDocument,
  operationsCollection,
  type OrdersDocument,
} from '#orders/operation/operation.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { LeasedJob, WakeUp } from '../background/leased-job.js';
import { createLease, LeaseLostError } from '../background/leases.js';
import { OperationCompaction, type Turn } from './operation-compaction.js';
import { type LetterTopic, OperationLeftovers } from './operation-leftovers.js';

const ENDED = ['succeeded', 'cancelled', 'failed'] as const satisfies OperationDocument['status'][];

/** What becomes of an operation after a turn: nothing is left to do, or it is looked at again later. */
type CompactionChange = { readonly compactedAt: Date } | { readonly nextAt: Date };

/** An ended operation whose bookkeeping this process compacts. The owner and the epoch fence its writes. */
class CompactionLease {
  private readonly ending = new AbortController();

  constructor(
    private readonly mongo: Mongo,
    private readonly owner: string,
    /** The operation, as it was claimed. */
    readonly operation: OperationDocument,
  ) {}

  /** Aborts when the work must end: another process has claimed the operation, or it was reopened. */
  get over(): AbortSignal {
    return this.ending.signal;
  }

  /** Renews the lease. @throws LeaseLostError */
  async renew(): Promise<void> {
    await this.update({ 'compaction.lease': createLease(this.owner, this.mongo.time.now()) });
  }

  /** Stores the result of the turn and releases the lease. @throws LeaseLostError */
  async end(change: CompactionChange): Promise<void> {
    const result = 'nextAt' in change ? { 'compaction.nextAt': change.nextAt } : { compactedAt: change.compactedAt };
    await this.update({ 'compaction.lease': null, ...result });
  }

  private async update(change: object): Promise<void> {
    const { _id, compaction } = this.operation;
    const { matchedCount } = await operationsCollection(this.mongo.db).updateOne(
      // An intake may be reopened for a late batch: then it is not compacted completely.
      {
        _id,
        status: { $in: [...ENDED] },
        'compaction.lease.owner': this.owner,
        'compaction.epoch': compaction?.epoch ?? 0,
      },
      { $set: change },
    );
    if (matchedCount > 0) return;
    this.ending.abort();
    throw new LeaseLostError(`lost the lease of the compaction of operation ${_id}`);
  }
}

/** Assigns ended operations to processes that compact their bookkeeping. */
@Injectable()
export class CompactionLeases {
  private readonly owner = randomUUID();

  /** @param delayMs how long after its end an operation is compacted, in milliseconds */
  constructor(
    private readonly mongo: Mongo,
    private readonly delayMs: number,
  ) {}

  /** Claims the oldest operation that is due and that no process compacts; `null` if there is none. */
  async claim(): Promise<CompactionLease | null> {
    const now = this.mongo.time.now();
    const operation = await operationsCollection(this.mongo.db).findOneAndUpdate(
      {
        // Equality with `null` finds absent fields by the index.
        compactedAt: null as never,
        status: { $in: [...ENDED] },
        finishedAt: { $lte: new Date(now.getTime() - this.delayMs) },
        'compaction.lease.expiresAt': { $not: { $gte: now } },
        'compaction.nextAt': { $not: { $gt: now } },
      },
      { $set: { 'compaction.lease': createLease(this.owner, now) }, $inc: { 'compaction.epoch': 1 } },
      { sort: { _id: 1 }, returnDocument: 'after' },
    );
    return operation === null ? null : new CompactionLease(this.mongo, this.owner, operation);
  }
}

/** An operation that is not settled waits for its next turn as long as for its first one, within these limits in ms. */
const MIN_RETRY_MS = 1_000;
const MAX_RETRY_MS = 10 * 60 * 1000;
/** How often the dead-letter topic is trimmed, in ms, besides each time that letters may have been removed. */
const TRIM_EVERY_MS = 60 * 60 * 1000;

/** Receives counts, synchronously, for metrics. */
interface CompactionObserver {
  compacted(orders: number): void;
  /** @param blocks the blocks of this operation with a lost, altered or invented order */
  defects(operationId: string, blocks: number): void;
}

/** Replaces the bookkeeping of ended operations by the digests of their blocks, one operation at a time. */
@Injectable()
export class CompactionJob extends LeasedJob<CompactionLease> {
  private trimAt = 0;

  /** @param delayMs how long after its end an operation is compacted, in milliseconds */
  constructor(
    private readonly mongo: Mongo,
    private readonly leases: CompactionLeases,
    private readonly compaction: OperationCompaction,
    private readonly leftovers: OperationLeftovers,
    private readonly letters: Pick<LetterTopic, 'trim'>,
    private readonly observer: CompactionObserver,
    private readonly delayMs: number,
    wakeUp: WakeUp,
  ) {
    super(wakeUp);
  }

  protected async claim(): Promise<CompactionLease | null> {
    return this.leases.claim();
  }

  /** Trims the dead-letter topic. A failure waits for the next time: nothing depends on it. */
  protected async idle(): Promise<void> {
    if (this.clock.now() < this.trimAt) return;
    this.trimAt = this.clock.now() + TRIM_EVERY_MS;
    const partitions = await this.letters.trim();
    if (partitions > 0) this.logger.log({ partitions }, 'records of settled dead letters removed');
  }

  protected async run(lease: CompactionLease, signal: AbortSignal): Promise<void> {
    const { operation } = lease;
    if (!hasOrders(operation)) return lease.end({ compactedAt: this.mongo.time.now() });
    try {
      await lease.end(await this.compact(operation, signal));
    } catch (error) {
      if (error instanceof LeaseLostError || lease.over.aborted) throw error;
      // Another process can continue at once if this one stops.
      if (!signal.aborted)
        this.logger.warn({ operation: operation._id, reason: String(error) }, 'cannot compact the operation, retrying');
      await lease.end({ nextAt: signal.aborted ? this.mongo.time.now() : this.retryAt() });
    }
  }

  private async compact(operation: OrdersDocument, signal: AbortSignal): Promise<CompactionChange> {
    const turn = await this.compaction.settle(operation, signal);
    this.report(operation, turn);
    if (turn.keysUntil !== undefined) return { nextAt: later(turn.keysUntil, this.retryAt()) };
    if (turn.unsettled.length > 0) return { nextAt: this.retryAt() };
    const left = await this.leftovers.remove(operation, this.compaction.restOf(signal));
    if (left === 'open') return { nextAt: this.retryAt() };
    this.trimAt = 0;
    return left === 'nothing' ? { compactedAt: this.mongo.time.now() } : { nextAt: left.until };
  }

  private report({ _id: operation }: OrdersDocument, { orders, unsettled }: Turn): void {
    const defects = unsettled.filter(({ kind }) => kind === 'defect');
    this.observer.compacted(orders);
    this.observer.defects(operation, defects.length);
    if (orders > 0) this.logger.log({ operation, orders }, 'bookkeeping compacted');
    for (const { reason } of defects)
      this.logger.error({ operation, reason }, 'block is not compacted: its orders are not those that were sent');
  }

  private retryAt(): Date {
    return new Date(this.mongo.time.now().getTime() + Math.min(Math.max(this.delayMs, MIN_RETRY_MS), MAX_RETRY_MS));
  }
}

function later(one: Date, other: Date): Date {
  return one > other ? one : other;
}

/** Creates the metrics of the compaction. */
export function measureCompaction(registry: Registry): CompactionObserver {
  const registers = [registry];
  const compacted = new Counter({
    name: 'producer_compacted_orders_total',
    help: 'Orders whose bookkeeping was verified and replaced by the digest of their block',
    registers,
  });
  const defects = new Map<string, number>();
  const blocks = new Gauge({
    name: 'producer_compaction_defects',
    help: 'Blocks of orders that are not compacted, because an order is lost, altered or was never sent',
    registers,
  });
  return {
    compacted: (orders) => compacted.inc(orders),
    defects: (operationId, count) => {
      if (count === 0) defects.delete(operationId);
      else defects.set(operationId, count);
      blocks.set([...defects.values()].reduce((sum, each) => sum + each, 0));
    },
  };
}
