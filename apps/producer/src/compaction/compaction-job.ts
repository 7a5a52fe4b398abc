import { Injectable } from '@nestjs/common';
import { register } from 'prom-client';
import { hasOrders, type OperationDocument, type OrdersDocument } from '#orders/operation/operation.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { LeasedJob, WakeUp } from '../background/leased-job.js';
import { type HeldLease, LeaseLostError, Leases, partInField } from '../background/operation-leases.js';
import { settings } from '../settings.js';
import { type CompactionPass, measureCompaction, OperationCompaction } from './operation-compaction.js';
import { LetterTopic, OperationLeftovers } from './operation-leftovers.js';

const ENDED = ['succeeded', 'cancelled', 'failed'] as const satisfies OperationDocument['status'][];

type Compaction = NonNullable<OperationDocument['compaction']>;
type CompactionLease = HeldLease<OperationDocument, Compaction>;

const COMPACTION = {
  ...partInField<OperationDocument, Compaction>('compaction', (operation) =>
    operation.compaction ? { operation, part: operation.compaction } : undefined,
  ),
  // An intake may be reopened for a late batch: then it is not compacted completely.
  writableIn: ENDED,
};

/** An operation that is not compacted completely waits for its next pass as long as for its first one, within these limits in ms. */
const MIN_RETRY_MS = 1_000;
const MAX_RETRY_MS = 10 * 60 * 1000;
/** How often the dead-letter topic is trimmed, in ms, besides each time that dead letters may have been removed. */
const TRIM_EVERY_MS = 60 * 60 * 1000;

/** How long after its end an operation is compacted, in ms. */
const DELAY_MS = settings.COMPACTION_DELAY_SECONDS * 1_000;

/** Replaces the processing metadata of ended operations by the digests of their blocks, one operation at a time. */
@Injectable()
export class CompactionJob extends LeasedJob<CompactionLease> {
  private trimAt = 0;

  private readonly metrics = measureCompaction(register);

  constructor(
    private readonly mongo: Mongo,
    private readonly leases: Leases,
    private readonly compaction: OperationCompaction,
    private readonly leftovers: OperationLeftovers,
    private readonly letters: LetterTopic,
    wakeUp: WakeUp,
  ) {
    super(wakeUp);
  }

  /** Claims the oldest operation that is due and that no process compacts. */
  protected async claim(): Promise<CompactionLease | null> {
    const now = this.mongo.time.now();
    const ended = { status: { $in: [...ENDED] }, finishedAt: { $lte: new Date(now.getTime() - DELAY_MS) } };
    // Equality with `null` finds absent fields by the index.
    const filter = { compactedAt: null as never, ...ended };
    return this.leases.claim(COMPACTION, filter, { where: { nextAt: { $not: { $gt: now } } } });
  }

  /** Trims the dead-letter topic. A failure waits for the next time: nothing depends on it. */
  protected async idle(): Promise<void> {
    if (this.clock.now() < this.trimAt) return;
    this.trimAt = this.clock.now() + TRIM_EVERY_MS;
    const partitions = await this.letters.trim();
    if (partitions > 0) this.logger.log({ partitions }, 'records of saved and discarded dead letters removed');
  }

  protected async run(lease: CompactionLease, signal: AbortSignal): Promise<void> {
    const { operation } = lease;
    try {
      const nextAt = hasOrders(operation) ? await this.compact(operation, signal) : 'never';
      await lease.release(nextAt === 'never' ? { compactedAt: this.mongo.time.now() } : toNextPass(nextAt));
    } catch (error) {
      if (error instanceof LeaseLostError || lease.over.aborted) throw error;
      // Another process can continue at once if this one stops.
      if (!signal.aborted)
        this.logger.warn({ operation: operation._id, reason: String(error) }, 'cannot compact the operation, retrying');
      await lease.release(toNextPass(signal.aborted ? this.mongo.time.now() : this.retryAt()));
    }
  }

  /** @returns when the operation is looked at again; `never` if nothing is left to do */
  private async compact(operation: OrdersDocument, signal: AbortSignal): Promise<Date | 'never'> {
    const pass = await this.compaction.compact(operation, signal);
    this.report(operation, pass);
    if (pass.keysUntil !== undefined) return later(pass.keysUntil, this.retryAt());
    if (pass.uncompacted.length > 0) return this.retryAt();
    const left = await this.leftovers.remove(operation, this.compaction.restOf(signal));
    if (left === 'open') return this.retryAt();
    this.trimAt = 0;
    return left === 'nothing' ? 'never' : left.until;
  }

  private report({ _id: operation }: OrdersDocument, { orders, uncompacted }: CompactionPass): void {
    const defects = uncompacted.filter(({ kind }) => kind === 'defect');
    this.metrics.compacted(orders);
    this.metrics.defects(operation, defects.length);
    if (orders > 0) this.logger.log({ operation, orders }, 'processing metadata compacted');
    for (const { reason } of defects)
      this.logger.error({ operation, reason }, 'block is not compacted: its orders are not those that were sent');
  }

  private retryAt(): Date {
    return new Date(this.mongo.time.now().getTime() + Math.min(Math.max(DELAY_MS, MIN_RETRY_MS), MAX_RETRY_MS));
  }
}

function toNextPass(nextAt: Date): object {
  return { 'compaction.nextAt': nextAt };
}

function later(one: Date, other: Date): Date {
  return one > other ? one : other;
}
