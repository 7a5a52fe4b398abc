import { Injectable } from '@nestjs/common';
import { hasOrders, type OrdersDocument } from '#orders/operation/operation.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { LeasedJob } from '../background/leased-job.js';
import { LeaseLostError } from '../background/lease.js';
import { WakeUp } from '../background/wake-up.js';
import { CompactionLeases, type CompactionChange, type CompactionLease } from './compaction-leases.js';
import { OperationCompaction, type Turn } from './operation-compaction.js';
import { OperationLeftovers } from './operation-leftovers.js';
import type { LetterTopic } from './letter-topic.js';

/** An operation that is not settled waits for its next turn as long as for its first one, within these limits in ms. */
const MIN_RETRY_MS = 1_000;
const MAX_RETRY_MS = 10 * 60 * 1000;
/** How often the dead-letter topic is trimmed, in ms, besides each time that letters may have been removed. */
const TRIM_EVERY_MS = 60 * 60 * 1000;

/** Receives counts, synchronously, for metrics. */
export interface CompactionObserver {
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
