import { Injectable, Logger } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { type Clock, succeededWithin, systemClock } from '@orders-pipeline/clock';
import { ackedCount, hasOrders, type OperationDocument, type OrdersDocument } from '#orders/operation/operation.js';
import { notFound } from '#service/http/problem.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { WakeUp } from '../background/leased-job.js';
import { type OperationFindings, type OperationResponse, toOperationResponse, waitText } from './operation-response.js';
import { Operations } from './operations.js';
import { type ExactCount, type LetterCounts, OrderOutcomes, type RelatedFindings } from './order-outcomes.js';

/** Minimum pause between reads, in ms: a burst of callers costs one read. */
const MIN_PAUSE_MS = 250;
/** A read takes at most 0.5 % of the time. The two expensive reads, dead letters and exact count, take at most 1 % together. */
const PAUSE_FACTOR = 199;
/** A value gets no older than this, in ms, unless its read then took more than the share of an urgent one. */
const MAX_AGE_MS = 5_000;
/** An urgent read takes at most 5 % of the time. */
const URGENT_PAUSE_FACTOR = 19;
/** Maximum pause caused by sharing the budget with the reads of other operations, in ms. */
const MAX_SPREAD_MS = 10_000;

interface ReadBudget {
  readonly clock: Clock;
  /** Number of operations that have readers now; they share the budget. */
  readonly sharers: () => number;
}

/**
 * Reads a value for all callers: one read at a time, and none without a caller. It takes at most 0.5 % of the time; at most 5 % if it is
 * urgent, or if the value would get older than 5 s.
 *
 * A caller gets the latest value or the result of the running read. An error rejects all callers that wait for that read; the next
 * caller retries.
 */
export class PacedRead<T> {
  private latest: { readonly value: T } | undefined;
  private reading: Promise<T> | undefined;
  private pausedUntil = -Infinity;
  private urgentPausedUntil = -Infinity;

  /** @param maxPauseMs for a read of constant cost: when it is slow, the machine is busy, and a longer pause saves nothing */
  constructor(
    private readonly read: () => Promise<T>,
    private readonly budget: ReadBudget,
    private readonly maxPauseMs = Infinity,
  ) {}

  /**
   * Returns the latest value, and reads it again when the budget allows.
   * @param isUrgent uses the larger budget: the value decides what happens next, and the load is low
   * @throws the error of the read
   */
  async get(isUrgent = false): Promise<T> {
    const until = isUrgent ? this.urgentPausedUntil : this.pausedUntil;
    if (this.latest !== undefined && this.budget.clock.now() < until) return this.latest.value;
    return this.joinRead();
  }

  /** Returns the value of a read that starts after this call, regardless of the budget. @throws the error of the read */
  async readNow(): Promise<T> {
    // The callers of that read get its error.
    await this.reading?.catch(() => undefined);
    return this.joinRead();
  }

  /** Sets a value that the caller has just read or written; callers get it without another read. */
  set(value: T): void {
    this.latest = { value };
    const minUntil = this.budget.clock.now() + MIN_PAUSE_MS;
    this.pausedUntil = Math.max(this.pausedUntil, minUntil);
    this.urgentPausedUntil = Math.max(this.urgentPausedUntil, minUntil);
  }

  private async joinRead(): Promise<T> {
    this.reading ??= this.run().finally(() => {
      this.reading = undefined;
    });
    return this.reading;
  }

  private async run(): Promise<T> {
    const { clock, sharers } = this.budget;
    const before = this.latest;
    const startedAt = clock.now();
    const value = await this.read();
    const now = clock.now();
    const pauseMs = (factor: number): number =>
      Math.min(toPause(pauseAfter(now - startedAt, factor), sharers()), this.maxPauseMs);
    this.pausedUntil = now + pauseMs(PAUSE_FACTOR);
    this.urgentPausedUntil = now + pauseMs(URGENT_PAUSE_FACTOR);
    // A value that was set during the read is newer.
    if (this.latest === before) this.latest = { value };
    return this.latest?.value ?? value;
  }
}

/** On a busy machine a cheap read takes long: the share of the time alone would make its value a minute old. */
function pauseAfter(duration: number, factor: number): number {
  return Math.min(duration * factor, Math.max(duration * URGENT_PAUSE_FACTOR, MAX_AGE_MS));
}

/** @param alone the pause if only one operation had readers, in ms */
function toPause(alone: number, sharers: number): number {
  return Math.max(MIN_PAUSE_MS, alone, Math.min(alone * sharers, MAX_SPREAD_MS));
}

/** Consumers report twice a second. A figure unchanged for this time, in ms, is complete, or reports were lost. */
const UNCHANGED_MS = 3_000;
/** How long the first reader, or the first one for some time, of an operation whose orders are all sent waits for an exact count, in ms. */
const FIRST_COUNT_MS = 1_000;

/**
 * The number of saved orders of one operation, for all its readers in this process.
 *
 * Progress uses the reports of the consumers: they cost nothing, are never too high and never decrease. The exact count only runs
 * to decide whether the operation is final, and whether reports were lost: for the first reader once all orders are sent, for the first
 * one after a time without readers, and when the figure stops rising below the acknowledged orders.
 */
export class SavedCount {
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
  async current(letters: LetterCounts): Promise<{ readonly saved: number; readonly savedAsOf: Date }> {
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
  async hasAllResults(letters: LetterCounts): Promise<boolean> {
    if (this.isFinal) return true;
    if (!this.hasEnded || !this.isComplete(letters)) return false;
    const figures = `${this.orders} saved, ${sum(letters)} dead letters`;
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

/** Maximum pause between reads of the document and of the consumers' heartbeats, in ms. Both are cheap, so figures are at most about a second old. */
const CHEAP_READ_PAUSE_MS = 1_000;

/** The last read state of an operation, with its findings. */
interface Progress {
  readonly operation: OperationDocument;
  readonly findings: OperationFindings;
}

/**
 * The progress of one operation, shared by all its readers in this process. Each of its reads is paced, independent of the number
 * of readers. Without readers there are no reads.
 */
class OperationProgress {
  readAt = systemClock.now();
  private readonly document: PacedRead<{ readonly operation: OperationDocument; readonly asOf: Date } | null>;
  private related: { readonly stage: string; readonly read: PacedRead<RelatedFindings> } | undefined;
  private saved: SavedCount | undefined;

  constructor(
    id: string,
    operations: Operations,
    private readonly outcomes: OrderOutcomes,
    private readonly mongo: Mongo,
    private readonly budget: ReadBudget,
  ) {
    const read = async () => {
      const asOf = mongo.time.now();
      const operation = await operations.find(id);
      return operation === null ? null : { operation, asOf };
    };
    this.document = new PacedRead(read, budget, CHEAP_READ_PAUSE_MS);
  }

  /** Sets an operation that the caller has just read or changed; readers get it at once. */
  set(operation: OperationDocument): void {
    this.document.set({ operation, asOf: this.mongo.time.now() });
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
    const count = this.getSavedCount(operation);
    count.update(operation, document.asOf);
    const { asOf: _asOf, ...findings } = await this.getRelated(operation).get(count.isQuiet);
    const { saved, savedAsOf } = await count.current(toLetterCounts(findings));
    return { operation, findings: { ...findings, saved, savedAsOf: savedAsOf.toISOString() } };
  }

  /** Returns whether the operation is final. For a redrive the state of its dead letters decides; for others an exact count. */
  async isFinal({ operation, findings }: Progress): Promise<boolean> {
    if (hasOrders(operation)) return this.getSavedCount(operation).hasAllResults(toLetterCounts(findings));
    if (operation.status === 'running' || operation.status === 'paused') return false;
    const { moved, saved, returned, missing } = findings.redrive ?? { moved: 0, saved: 0, returned: 0, missing: 0 };
    return saved + returned + missing >= moved;
  }

  /** Discards older findings at each stage: a final status must not be shown with figures from before the end. */
  private getRelated(operation: OperationDocument): PacedRead<RelatedFindings> {
    const stage = `${operation.status}, ${operation.kind === 'import' && operation.reading !== null ? 'reading' : 'read'}`;
    if (this.related?.stage !== stage)
      this.related = { stage, read: new PacedRead(async () => this.outcomes.related(operation), this.budget) };
    return this.related.read;
  }

  private getSavedCount(operation: OrdersDocument): SavedCount {
    const logger = new Logger('progress');
    this.saved ??= new SavedCount(
      operation,
      async (current) => this.outcomes.countExactly(current),
      this.budget,
      (error) =>
        logger.warn({ operation: operation._id, reason: String(error) }, 'cannot count saved orders, retrying'),
    );
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

/** An operation, and whether it is final. */
export interface FollowedOperation {
  readonly operation: OperationResponse;
  readonly isFinal: boolean;
}

/**
 * Builds the API responses for operations. Holds the progress of each operation that has readers, which all share it: HTTP, event streams
 * and lists.
 */
@Injectable()
export class OperationView {
  private readonly kept = new Map<string, OperationProgress>();
  private readonly budget: ReadBudget = { clock: systemClock, sharers: () => this.readWithin(HAS_READERS_MS).length };
  private readonly consumers: PacedRead<string | null>;

  constructor(
    private readonly operations: Operations,
    private readonly outcomes: OrderOutcomes,
    private readonly mongo: Mongo,
    private readonly wakeUp: WakeUp,
  ) {
    const alone = { clock: systemClock, sharers: () => 1 };
    this.consumers = new PacedRead(async () => waitText(await outcomes.consumers()), alone, CHEAP_READ_PAUSE_MS);
  }

  /** Returns the operation with an id. @throws Problem 404 */
  async byId(id: string): Promise<OperationResponse> {
    return this.toResponse(await this.read(id));
  }

  /** Returns an operation and whether it is final, for event streams. @throws Problem 404 */
  async follow(id: string): Promise<FollowedOperation> {
    const isFinal = await this.progressOf(id).isFinal(await this.read(id));
    // Read again: the exact count may have raised the figure.
    return { operation: await this.byId(id), isFinal };
  }

  /** Wakes the background jobs for an operation that a request has begun. @returns the response; `Location` is its path */
  async begun(operation: OperationDocument, reply: FastifyReply): Promise<OperationResponse> {
    this.wakeUp.call();
    void reply.header('Location', `/v1/operations/${operation._id}`);
    return this.forDocument(operation);
  }

  /** Returns the response for an operation that was just read or changed. */
  async forDocument(operation: OperationDocument): Promise<OperationResponse> {
    this.progressOf(operation._id).set(operation);
    return this.byId(operation._id);
  }

  private async read(id: string): Promise<Progress> {
    const progress = await this.progressOf(id).read();
    if (progress !== null) return progress;
    this.kept.delete(id);
    throw notFound(`There is no operation ${id}.`);
  }

  private progressOf(id: string): OperationProgress {
    let progress = this.kept.get(id);
    if (progress === undefined) {
      const used = new Set(this.readWithin(KEPT_MS));
      for (const each of this.kept.keys()) if (!used.has(each)) this.kept.delete(each);
      progress = new OperationProgress(id, this.operations, this.outcomes, this.mongo, this.budget);
      this.kept.set(id, progress);
    }
    progress.readAt = systemClock.now();
    return progress;
  }

  private readWithin(milliseconds: number): string[] {
    const since = systemClock.now() - milliseconds;
    return [...this.kept].filter(([, { readAt }]) => readAt >= since).map(([id]) => id);
  }

  private async toResponse({ operation, findings }: Progress): Promise<OperationResponse> {
    return toOperationResponse(operation, findings, await this.consumers.get(), this.mongo.time.now());
  }
}
