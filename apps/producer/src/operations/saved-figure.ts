import type { EmittedDocument } from '#orders/operation.js';
import { ackedOrders } from '#orders/segments.js';
import type { LetterCounts } from './order-outcomes.js';
import { PacedRead, type ReadBudget } from './paced-read.js';

/** Consumers report twice a second: a figure that has not moved for so long is complete, or reports were lost. */
const STANDS_STILL_MS = 3_000;

/** The saved orders by a majority count, and the dead letters as they were after it. */
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
 * How many orders of one operation are saved, for all its readers in this process.
 *
 * Progress is what consumers have reported: it costs nothing, never exceeds the truth and never falls. The exact count runs where it
 * decides something: whether the operation has ended, or whether reports were lost when the figure stands still below what Kafka acknowledged.
 */
export class SavedFigure {
  private orders: number | undefined;
  private asOf = new Date(0);
  private movedAt: number;
  private isFinal = false;
  /** The figures for which the end was last verified. */
  private verifiedFor: string | undefined;
  private readonly exact: PacedRead<ExactCount>;

  /**
   * @param operation the document as it was read last; `update` replaces it
   * @param onTrouble receives the error of a count that no reader waits for
   */
  constructor(
    private operation: EmittedDocument,
    countExactly: (operation: EmittedDocument) => Promise<ExactCount>,
    private readonly budget: ReadBudget,
    private readonly onTrouble: (error: unknown) => void,
  ) {
    this.movedAt = budget.clock.now();
    this.exact = new PacedRead(async () => {
      const count = await countExactly(this.operation);
      this.raise(count.saved, count.asOf);
      return count;
    }, budget);
  }

  /** @param asOf when the document was read */
  update(operation: EmittedDocument, asOf: Date): void {
    this.operation = operation;
    const { reportedSaved, countedSaved } = operation;
    if (reportedSaved === undefined && countedSaved === undefined) return;
    this.raise(Math.max(reportedSaved ?? 0, countedSaved ?? 0), asOf);
  }

  /**
   * Returns whether all has been sent and the figure no longer moves: what is missing is then among the dead letters, or a consumer
   * is away.
   */
  get isQuiet(): boolean {
    const { status } = this.operation;
    return status !== 'running' && status !== 'paused' && this.standsStill;
  }

  /** Returns the figure at once, unless nothing is known yet: then it counts. */
  async current(letters: LetterCounts): Promise<SavedOrders> {
    if (this.orders === undefined) await this.exact.get();
    else if (this.standsStill && !this.isComplete(letters)) void this.exact.get().catch(this.onTrouble);
    return { saved: this.orders ?? 0, savedAsOf: this.asOf };
  }

  /** Returns whether all that was acknowledged is where it ends, and nothing more will be: decided by an exact count alone. */
  async isSettled(letters: LetterCounts): Promise<boolean> {
    const { status } = this.operation;
    if (this.isFinal) return true;
    if (status === 'running' || status === 'paused' || !this.isComplete(letters)) return false;
    const figures = `${this.orders} saved, ${sum(letters)} letters`;
    const isNews = this.verifiedFor !== figures;
    this.verifiedFor = figures;
    const count = isNews ? await this.exact.readNow() : await this.exact.get();
    this.isFinal = count.saved + sum(count.letters) >= ackedOrders(this.operation.segments);
    return this.isFinal;
  }

  private get standsStill(): boolean {
    return this.budget.clock.now() - this.movedAt >= STANDS_STILL_MS;
  }

  private isComplete(letters: LetterCounts): boolean {
    return (this.orders ?? 0) + sum(letters) >= ackedOrders(this.operation.segments);
  }

  private raise(orders: number, asOf: Date): void {
    if (this.orders === undefined || orders > this.orders) {
      this.orders = orders;
      this.movedAt = this.budget.clock.now();
    }
    if (asOf > this.asOf) this.asOf = asOf;
  }
}

function sum({ deadLettered, discarded }: LetterCounts): number {
  return deadLettered + discarded;
}
