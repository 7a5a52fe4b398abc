import { ackedCount, type OrdersDocument } from '#orders/operation/operation.js';
import type { LetterCounts } from './order-outcomes.js';
import { succeededWithin } from '@orders-pipeline/clock';
import { PacedRead, type ReadBudget } from './paced-read.js';

/** Consumers report twice a second. A figure unchanged for this time, in ms, is complete, or reports were lost. */
const UNCHANGED_MS = 3_000;
/** How long the first reader, or the first one for some time, of an operation whose orders are all sent waits for an exact count, in ms. */
const FIRST_COUNT_MS = 1_000;

/** The number of saved orders by a majority count, and the dead letters read after it. */
export interface ExactCount {
  readonly saved: number;
  readonly letters: LetterCounts;
  /** When the count began. */
  readonly asOf: Date;
}

export interface SavedOrders {
  readonly saved: number;
  readonly savedAsOf: Date;
}

/**
 * The number of saved orders of one operation, for all its readers in this process.
 *
 * Progress uses the reports of the consumers: they cost nothing, are never too high and never decrease. The exact count only runs
 * to decide whether the operation is final, and whether reports were lost: for the first reader once all orders are sent, for the first
 * one after a time without readers, and when the figure stops rising below the acknowledged orders.
 */
export class SavedFigure {
  private orders: number | undefined;
  private asOf = new Date(0);
  private changedAt: number;
  private isFinal = false;
  private readAt = -Infinity;
  /** The figures for which the end was last verified. */
  private verifiedFor: string | undefined;
  private readonly exact: PacedRead<ExactCount>;

  /**
   * @param operation the last read document; `update` replaces it
   * @param onError receives errors of background counts
   */
  constructor(
    private operation: OrdersDocument,
    countExactly: (operation: OrdersDocument) => Promise<ExactCount>,
    private readonly budget: ReadBudget,
    private readonly onError: (error: unknown) => void,
  ) {
    this.changedAt = budget.clock.now();
    this.exact = new PacedRead(async () => {
      const count = await countExactly(this.operation);
      this.raise(count.saved, count.asOf);
      return count;
    }, budget);
  }

  /** @param asOf when the document was read */
  update(operation: OrdersDocument, asOf: Date): void {
    this.operation = operation;
    const { reportedSaved, countedSaved } = operation;
    if (reportedSaved === undefined && countedSaved === undefined) return;
    this.raise(Math.max(reportedSaved ?? 0, countedSaved ?? 0), asOf);
  }

  /**
   * Whether all orders were sent and the figure no longer changes. The missing orders are then dead-lettered, or a consumer
   * is unavailable.
   */
  get isQuiet(): boolean {
    return this.hasEnded && this.isUnchanged;
  }

  /**
   * Returns the figure at once, except to its first reader for some time: nothing is known yet, or reports may have been lost while no
   * reader saw that the figure does not rise.
   */
  async current(letters: LetterCounts): Promise<SavedOrders> {
    const now = this.budget.clock.now();
    const wasUnread = now - this.readAt >= UNCHANGED_MS;
    this.readAt = now;
    if (this.orders === undefined) await this.exact.get();
    else if (wasUnread && this.hasEnded && !this.isComplete(letters)) {
      const counted = this.exact.get().catch(this.onError);
      await succeededWithin(this.budget.clock, FIRST_COUNT_MS, counted);
    } else if (this.isUnchanged && !this.isComplete(letters)) void this.exact.get(true).catch(this.onError);
    return { saved: this.orders ?? 0, savedAsOf: this.asOf };
  }

  /** Returns whether the operation has ended and all acknowledged orders are saved, dead-lettered or discarded, by an exact count. */
  async isSettled(letters: LetterCounts): Promise<boolean> {
    if (this.isFinal) return true;
    if (!this.hasEnded || !this.isComplete(letters)) return false;
    const figures = `${this.orders} saved, ${sum(letters)} letters`;
    const isNew = this.verifiedFor !== figures;
    this.verifiedFor = figures;
    const count = isNew ? await this.exact.readNow() : await this.exact.get();
    this.isFinal = count.saved + sum(count.letters) >= ackedCount(this.operation);
    return this.isFinal;
  }

  /** All orders were sent. */
  private get hasEnded(): boolean {
    const { status } = this.operation;
    return status !== 'running' && status !== 'paused';
  }

  private get isUnchanged(): boolean {
    return this.budget.clock.now() - this.changedAt >= UNCHANGED_MS;
  }

  private isComplete(letters: LetterCounts): boolean {
    return (this.orders ?? 0) + sum(letters) >= ackedCount(this.operation);
  }

  private raise(orders: number, asOf: Date): void {
    if (this.orders === undefined || orders > this.orders) {
      this.orders = orders;
      this.changedAt = this.budget.clock.now();
    }
    if (asOf > this.asOf) this.asOf = asOf;
  }
}

function sum({ deadLettered, discarded }: LetterCounts): number {
  return deadLettered + discarded;
}
