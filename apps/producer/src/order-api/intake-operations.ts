import { Logger } from '@nestjs/common';
import { type Clock, pause } from '@orders-pipeline/clock';
import type { ReservedBlock } from '#orders/numbering/number-blocks.js';
import type { IntakeDocument } from '#orders/operation/operation.js';
import { type HeldLease, LeaseLostError, partInField } from '../background/operation-leases.js';
import type { BatchFigures } from './intake-store.js';

/** The operation that this process puts new orders into. */
export class OpenOperation {
  /** Orders in stored batches, and those that Kafka has acknowledged. */
  count = 0;
  acked = 0;
  /** Batches that are being sent, and blocks that are being recovered. */
  running = 0;
  /** Whether a batch was settled without its figures: they must be counted again. */
  isInexact = false;
  private isClosed = false;
  private nextIndex = 0;
  /** First numbers of the reserved blocks that are still listed as unrecorded. */
  private readonly known = new Set<number>();
  /** Those of them whose batches are stored. */
  private readonly stored = new Set<number>();

  constructor(readonly id: string) {}

  /** Whether it takes no more batches: its day is over, or another process has taken it over. */
  get isOver(): boolean {
    return this.isClosed;
  }

  close(): void {
    this.isClosed = true;
  }

  /** Takes the next indexes. Those of a failed reservation stay unused. @returns the first one */
  takeIndexes(count: number): number {
    const from = this.nextIndex;
    this.nextIndex += count;
    return from;
  }

  get recorded(): number[] {
    return [...this.stored];
  }

  noteRecorded(first: number): void {
    if (this.known.has(first)) this.stored.add(first);
  }

  /**
   * Takes note of a reservation.
   * @param recorded the blocks that the reservation has removed from the list
   * @param listed the blocks that are listed as unrecorded now
   * @returns blocks of this operation whose reservation seemed to fail: they have no batch
   */
  noteReserved(first: number, recorded: readonly number[], listed: readonly ReservedBlock[]): ReservedBlock[] {
    for (const each of recorded) {
      this.stored.delete(each);
      this.known.delete(each);
    }
    this.known.add(first);
    const orphans = listed.filter((block) => block.operationId === this.id && !this.known.has(block.first));
    for (const { first: orphan } of orphans) this.known.add(orphan);
    return orphans;
  }
}

/** How often the lease is renewed and the figures are stored, in ms. */
const RENEW_EVERY_MS = 1_000;
const RETRY_MS = 500;

type Receiving = NonNullable<IntakeDocument['receiving']>;
export type IntakeLease = HeldLease<IntakeDocument, Receiving>;

/** The part of an operation that receives orders. */
export const RECEIVING = partInField<IntakeDocument, Receiving>('receiving', (operation) =>
  operation.kind === 'intake' && operation.receiving ? { operation, part: operation.receiving } : undefined,
);

interface IntakeOperationsParts {
  /** Stores a new operation under a lease of this process. */
  readonly open: () => Promise<IntakeLease>;
  /** Settles and closes the operation of a lease. */
  readonly finish: (lease: IntakeLease) => Promise<void>;
  readonly figures: (operationId: string) => Promise<BatchFigures>;
  /** MongoDB's time. */
  readonly now: () => Date;
  readonly clock: Clock;
}

interface Opened {
  readonly day: string;
  readonly lease: IntakeLease;
  readonly operation: OpenOperation;
  readonly stopRenewal: () => void;
}

/** Opens an operation for the orders that this process receives on a UTC day, and closes it after the day or before the process ends. */
export class IntakeOperations {
  private readonly logger = new Logger('intake');
  private current: Opened | undefined;
  private readonly closing = new Set<Promise<void>>();
  private isStopping = false;

  constructor(private readonly parts: IntakeOperationsParts) {}

  /** Returns the operation of the day. Call it again only after it has resolved. */
  async open(): Promise<OpenOperation> {
    const day = this.parts.now().toISOString().slice(0, 10);
    const { current } = this;
    if (current !== undefined && current.day === day && !current.operation.isOver) return current.operation;
    if (current !== undefined) this.startClosing(current);
    this.current = undefined;
    const lease = await this.parts.open();
    const operation = new OpenOperation(lease.operation._id);
    this.logger.log({ operation: operation.id, day }, 'operation opened for received orders');
    this.current = { day, lease, operation, stopRenewal: this.keepRenewing(lease, operation) };
    return operation;
  }

  /** Runs work until it succeeds, and keeps the operation open until then. */
  untilDone(operation: OpenOperation, what: string, work: () => Promise<void>): void {
    operation.running += 1;
    operation.isInexact = true;
    void this.retry(operation, what, work).finally(() => {
      operation.running -= 1;
    });
  }

  /** Closes all operations. @returns when all are closed; an operation that can't be closed is closed by the next process */
  async close(): Promise<void> {
    this.isStopping = true;
    if (this.current !== undefined) this.startClosing(this.current);
    this.current = undefined;
    await Promise.all(this.closing);
  }

  private startClosing(opened: Opened): void {
    const closed: Promise<void> = this.closeOne(opened).finally(() => this.closing.delete(closed));
    this.closing.add(closed);
  }

  private async closeOne({ lease, operation, stopRenewal }: Opened): Promise<void> {
    operation.close();
    while (operation.running > 0 && !this.isStopping) await pause(this.parts.clock, RETRY_MS);
    try {
      await this.parts.finish(lease);
      this.logger.log({ operation: operation.id }, 'operation closed');
    } catch (error) {
      // When the lease has expired, any process closes it.
      this.logger.warn({ operation: operation.id, reason: String(error) }, 'cannot close the operation');
    } finally {
      stopRenewal();
    }
  }

  private async retry(operation: OpenOperation, what: string, work: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        this.logger.warn({ operation: operation.id, reason: String(error) }, `cannot ${what}, retrying`);
        if (this.isStopping) return;
        await pause(this.parts.clock, RETRY_MS);
      }
    }
  }

  private keepRenewing(lease: IntakeLease, operation: OpenOperation): () => void {
    let isStopped = false;
    const schedule = (): (() => void) =>
      this.parts.clock.after(RENEW_EVERY_MS, () => {
        void this.renew(lease, operation).finally(() => {
          if (!isStopped) cancel = schedule();
        });
      });
    let cancel = schedule();
    return () => {
      isStopped = true;
      cancel();
    };
  }

  private async renew(lease: IntakeLease, operation: OpenOperation): Promise<void> {
    try {
      if (operation.isInexact) {
        operation.isInexact = false;
        const { count, acked } = await this.parts.figures(operation.id);
        operation.count = Math.max(operation.count, count);
        operation.acked = Math.max(operation.acked, acked);
      }
      await lease.renew({ count: operation.count, acked: operation.acked });
    } catch (error) {
      const isLost = error instanceof LeaseLostError;
      this.logger.warn({ operation: operation.id, reason: String(error) }, 'cannot renew the lease of an operation');
      if (isLost) operation.close();
    }
  }
}
