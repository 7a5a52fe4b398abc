import { Injectable, Logger } from '@nestjs/common';
import { succeededWithin, systemClock } from '@orders-pipeline/clock';
import { type ConsumerHeartbeat, consumersCollection, GONE_AFTER_MS } from '#orders/consumer/consumer-heartbeat.js';
import { manifestTotals } from '#orders/operation/manifest-totals.js';
import {
  ackedCount,
  hasOrders,
  type OperationDocument,
  type OrdersDocument,
  type RedriveDocument,
} from '#orders/operation/operation.js';
import { notFound } from '#service/http/problem.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { type OperationFindings, type OperationResponse, toOperationResponse } from './operation-response.js';
import { Operations } from './operations.js';
import { FIRST_ERRORS, type LetterCounts, OrderOutcomes, RedriveProgress } from './order-outcomes.js';
import { PacedRead, type ReadBudget } from './paced-read.js';

/** Consumers report twice a second. A figure unchanged for this time, in ms, is complete, or reports were lost. */
const UNCHANGED_MS = 3_000;
/** How long the first reader, or the first one for some time, of an operation whose orders are all sent waits for an exact count, in ms. */
const FIRST_COUNT_MS = 1_000;

/** The number of saved orders by a majority count, and the dead letters read after it. */
interface ExactCount {
  readonly saved: number;
  readonly letters: LetterCounts;
  /** When the count began. */
  readonly asOf: Date;
}

interface SavedOrders {
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

/** Findings from the dead letters and files of an operation. For a redrive they include `saved`; otherwise `SavedFigure` has it. */
type RelatedFindings = Omit<OperationFindings, 'savedAsOf'> & { readonly asOf: Date };

interface ProgressReads {
  readonly document: () => Promise<OperationDocument | null>;
  readonly related: (operation: OperationDocument) => Promise<RelatedFindings>;
  readonly exactCount: (operation: OrdersDocument) => Promise<ExactCount>;
  readonly now: () => Date;
  /** Receives errors of background reads. */
  readonly onError: (error: unknown) => void;
}

/** Maximum pause between reads of the document, in ms. A lookup by id is cheap, so figures are at most about a second old. */
const DOCUMENT_PAUSE_MS = 1_000;

/** The last read state of an operation, with its findings. */
interface Progress {
  readonly operation: OperationDocument;
  readonly findings: OperationFindings;
}

interface ReadDocument {
  readonly operation: OperationDocument;
  readonly asOf: Date;
}

/**
 * The progress of one operation, shared by all its readers in this process. Each of its reads is paced, independent of the number
 * of readers. Without readers there are no reads.
 */
class OperationProgress {
  private readonly document: PacedRead<ReadDocument | null>;
  private related: { readonly stage: string; readonly read: PacedRead<RelatedFindings> } | undefined;
  private saved: SavedFigure | undefined;

  constructor(
    private readonly reads: ProgressReads,
    private readonly budget: ReadBudget,
  ) {
    this.document = new PacedRead(
      async () => {
        const asOf = reads.now();
        const operation = await reads.document();
        return operation === null ? null : { operation, asOf };
      },
      budget,
      DOCUMENT_PAUSE_MS,
    );
  }

  /** Sets an operation that the caller has just read or changed; readers get it at once. */
  set(operation: OperationDocument): void {
    this.document.set({ operation, asOf: this.reads.now() });
  }

  /** @returns `null` if the operation does not exist */
  async read(): Promise<Progress | null> {
    const document = await this.document.get();
    if (document === null) return null;
    const { operation } = document;
    if (!hasOrders(operation)) {
      const { asOf, ...findings } = await this.getRelated(operation).get();
      return { operation, findings: { ...findings, savedAsOf: asOf.toISOString() } };
    }
    const figure = this.getSavedFigure(operation);
    figure.update(operation, document.asOf);
    const { asOf: _asOf, ...findings } = await this.getRelated(operation).get(figure.isQuiet);
    const { saved, savedAsOf } = await figure.current(toLetterCounts(findings));
    return { operation, findings: { ...findings, saved, savedAsOf: savedAsOf.toISOString() } };
  }

  /** Returns whether the operation is final. For a redrive the state of its letters decides; for others an exact count. */
  async isSettled({ operation, findings }: Progress): Promise<boolean> {
    if (hasOrders(operation)) return this.getSavedFigure(operation).isSettled(toLetterCounts(findings));
    if (operation.status === 'running' || operation.status === 'paused') return false;
    const { moved, saved, returned, missing } = findings.redrive ?? { moved: 0, saved: 0, returned: 0, missing: 0 };
    return saved + returned + missing >= moved;
  }

  /** Discards older findings at each stage: a final status must not be shown with figures from before the end. */
  private getRelated(operation: OperationDocument): PacedRead<RelatedFindings> {
    const stage = `${operation.status}, ${operation.kind === 'import' && operation.reading !== null ? 'reading' : 'read'}`;
    if (this.related?.stage !== stage)
      this.related = { stage, read: new PacedRead(async () => this.reads.related(operation), this.budget) };
    return this.related.read;
  }

  private getSavedFigure(operation: OrdersDocument): SavedFigure {
    const { exactCount, onError } = this.reads;
    this.saved ??= new SavedFigure(operation, exactCount, this.budget, onError);
    return this.saved;
  }
}

function toLetterCounts({
  deadLettered,
  discarded,
}: Pick<OperationFindings, 'deadLettered' | 'discarded'>): LetterCounts {
  return { deadLettered: deadLettered ?? 0, discarded: discarded ?? 0 };
}

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

const MAX_PAUSE_MS = 1_000;

export type ConsumerReason = Pick<ConsumerHeartbeat, 'name' | 'state' | 'notReadyBecause'>;

/** Finds out why saves wait, from the consumers' heartbeats. All readers share one read per second. */
@Injectable()
export class WaitingConsumers {
  private readonly consumers = new PacedRead(
    async () => this.running(),
    { clock: systemClock, sharers: () => 1 },
    MAX_PAUSE_MS,
  );

  constructor(private readonly mongo: Mongo) {}

  /** @returns what saves wait for, as `waitText` */
  async text(): Promise<string | null> {
    return waitText(await this.consumers.get());
  }

  private async running(): Promise<ConsumerReason[]> {
    const since = new Date(this.mongo.time.now().getTime() - GONE_AFTER_MS);
    return consumersCollection(this.mongo.db)
      .find({ at: { $gte: since } })
      .project<ConsumerReason>({ name: 1, state: 1, notReadyBecause: 1 })
      .sort({ name: 1 })
      .toArray();
  }
}

/**
 * Returns what saves wait for: a consumer, if none is running, or the consumers that can not work, each with its reason.
 * @returns `null` if all work, or do so in a moment: they start, drain or rebalance
 */
export function waitText(consumers: readonly ConsumerReason[]): string | null {
  if (consumers.length === 0) return 'a consumer: none is running';
  const waiting = consumers.filter(({ state }) => state === 'waiting');
  return waiting.length === 0
    ? null
    : waiting.map(({ name, notReadyBecause }) => `${name}: ${notReadyBecause}`).join('; ');
}

/** An operation, and whether it is final. */
export interface FollowedOperation {
  readonly operation: OperationResponse;
  readonly isSettled: boolean;
}

/** Builds the API responses for operations. */
@Injectable()
export class OperationView {
  constructor(
    private readonly shared: SharedProgress,
    private readonly consumers: WaitingConsumers,
    private readonly mongo: Mongo,
  ) {}

  /** Returns the operation with an id. @throws Problem 404 */
  async byId(id: string): Promise<OperationResponse> {
    return this.toResponse(await this.read(id, this.shared.get(id)));
  }

  /** Returns an operation and whether it is final, for event streams. @throws Problem 404 */
  async follow(id: string): Promise<FollowedOperation> {
    const shared = this.shared.get(id);
    const isSettled = await shared.isSettled(await this.read(id, shared));
    // Read again: the exact count may have raised the figure.
    return { operation: await this.toResponse(await this.read(id, shared)), isSettled };
  }

  /** Returns the response for an operation that was just read or changed. */
  async forDocument(operation: OperationDocument): Promise<OperationResponse> {
    const shared = this.shared.get(operation._id);
    shared.set(operation);
    return this.toResponse(await this.read(operation._id, shared));
  }

  private async read(id: string, shared: OperationProgress): Promise<Progress> {
    const progress = await shared.read();
    if (progress !== null) return progress;
    this.shared.forget(id);
    throw notFound(`There is no operation ${id}.`);
  }

  private async toResponse({ operation, findings }: Progress): Promise<OperationResponse> {
    return toOperationResponse(operation, findings, await this.consumers.text(), this.mongo.time.now());
  }
}
