import { Injectable, Logger } from '@nestjs/common';
import { manifestTotals } from '#orders/imports/import-manifest.js';
import {
  ackedCount,
  hasOrders,
  type OrdersDocument,
  type OperationDocument,
  type RedriveDocument,
} from '#orders/operation/operation.js';
import { systemClock } from '@orders-pipeline/clock';
import { Mongo } from '#service/mongodb/mongo.js';
import { OperationProgress, type RelatedFindings } from './operation-progress.js';
import type { OperationResponse } from './operation-response.js';
import { Operations } from './operations.js';
import { FIRST_ERRORS, OrderOutcomes } from './order-outcomes.js';
import type { ReadBudget } from './paced-read.js';
import { RedriveProgress } from './redrive-progress.js';
import type { ExactCount } from './saved-figure.js';

/** An operation has readers if it was requested within this time, in ms. */
const HAS_READERS_MS = 10_000;
/** An operation's progress is dropped after this time without readers, in ms. */
const KEPT_MS = 60_000;

/** Holds the progress of each operation that has readers. All readers in this process share it: HTTP, event streams and lists. */
@Injectable()
export class SharedProgress {
  private readonly logger = new Logger('progress');
  private readonly kept = new Map<string, { readonly progress: OperationProgress; readAt: number }>();
  private readonly budget: ReadBudget = { clock: systemClock, sharers: () => this.usedWithin(HAS_READERS_MS).length };

  constructor(
    private readonly operations: Operations,
    private readonly outcomes: OrderOutcomes,
    private readonly redrives: RedriveProgress,
    private readonly mongo: Mongo,
  ) {}

  /** Returns the progress of one operation, created for its first reader. */
  get(id: string): OperationProgress {
    const known = this.kept.get(id);
    const readAt = systemClock.now();
    if (known !== undefined) {
      known.readAt = readAt;
      return known.progress;
    }
    const used = new Set(this.usedWithin(KEPT_MS));
    for (const each of this.kept.keys()) if (!used.has(each)) this.kept.delete(each);
    const progress = this.create(id);
    this.kept.set(id, { progress, readAt });
    return progress;
  }

  /** Drops the progress of an operation that does not exist. */
  forget(id: string): void {
    this.kept.delete(id);
  }

  private usedWithin(milliseconds: number): string[] {
    const since = systemClock.now() - milliseconds;
    return [...this.kept].filter(([, { readAt }]) => readAt >= since).map(([id]) => id);
  }

  private create(id: string): OperationProgress {
    const now = (): Date => this.mongo.time.now();
    return new OperationProgress(
      {
        now,
        document: async () => this.operations.find(id),
        related: async (operation) =>
          hasOrders(operation)
            ? this.readRelatedToOrders(operation, now())
            : this.readRelatedToRedrive(operation, now()),
        exactCount: async (operation) => this.countExactly(operation),
        onError: (error) =>
          this.logger.warn({ operation: id, reason: String(error) }, 'cannot count saved orders, retrying'),
      },
      this.budget,
    );
  }

  /**
   * Reads the letters after the orders, so that an order that a redrive saves meanwhile is missed once but never counted twice.
   * Uses the stored count if it already accounts for all orders, so a finished operation is counted once, not per reader.
   */
  private async countExactly(operation: OrdersDocument): Promise<ExactCount> {
    const asOf = this.mongo.time.now();
    const { countedSaved = 0 } = operation;
    const letters = await this.outcomes.letters(operation);
    if (countedSaved + letters.deadLettered + letters.discarded >= ackedCount(operation))
      return { saved: countedSaved, letters, asOf };
    const saved = await this.outcomes.countSaved(operation);
    return { saved, letters: await this.outcomes.letters(operation), asOf };
  }

  private async readRelatedToOrders(operation: OrdersDocument, asOf: Date): Promise<RelatedFindings> {
    const [letters, archived, firstErrors, importTotals] = await Promise.all([
      this.outcomes.letters(operation),
      this.outcomes.countArchived(operation),
      this.outcomes.firstErrors(operation),
      operation.kind === 'import' ? this.readImportTotals(operation) : null,
    ]);
    return { ...letters, archived, firstErrors, import: importTotals, redrive: null, saved: null, asOf };
  }

  private async readRelatedToRedrive(
    { _id, filter, limit, maxRedrives, ended }: RedriveDocument,
    asOf: Date,
  ): Promise<RelatedFindings> {
    const [{ unsent: _unsent, ...counts }, returned] = await Promise.all([
      ended ?? this.redrives.counts(_id),
      this.redrives.returnReasons(_id, FIRST_ERRORS),
    ]);
    const firstErrors = returned.map(({ index, error: { code, message } }) => ({ index, code, message }));
    const redrive = { filter, limit, maxRedrives, ...counts };
    const deadLettered = counts.returned + counts.missing;
    return {
      saved: counts.saved,
      archived: null,
      deadLettered,
      discarded: 0,
      firstErrors,
      import: null,
      redrive,
      asOf,
    };
  }

  private async readImportTotals({ _id }: OperationDocument): Promise<OperationResponse['import']> {
    const { files, ...rows } = await manifestTotals(this.mongo.db, _id);
    return { files: files.total, known: files.known, refused: files.refused, ...rows };
  }
}
