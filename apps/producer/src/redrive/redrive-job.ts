import { Injectable } from '@nestjs/common';
import { operationsCollection, type RedriveDocument } from '#orders/operation/operation.js';
import { succeededWithin } from '@orders-pipeline/clock';
import { Mongo } from '#service/mongodb/mongo.js';
import type { HeldLease } from '../background/held-lease.js';
import { matchField, type LeasedPart } from '../background/lease.js';
import { LeasedJob, STOP_TIMEOUT_MS } from '../background/leased-job.js';
import { Leases } from '../background/leases.js';
import { WakeUp } from '../background/wake-up.js';
import { RedriveProgress } from '../operations/redrive-progress.js';
import type { RedriveOutcomes } from './redrive-outcomes.js';
import { RedriveWork } from './redrive-work.js';
import { RedrivenLetters } from './redriven-letters.js';

/** Maximum number of concurrent redrives per process. A redrive mostly waits, for its rate or for the consumers. */
const MAX_CONCURRENT = 16;
/** The process that received the request selects the letters. After this time, in ms, it counts as crashed. */
const SELECTING_MS = 600_000;

type Redriving = NonNullable<RedriveDocument['redriving']>;
type RedriveLease = HeldLease<RedriveDocument, Redriving>;

const REDRIVING: LeasedPart<RedriveDocument, Redriving> = {
  path: 'redriving',
  match: matchField('redriving'),
  find: (operation) =>
    operation.kind === 'redrive' && operation.redriving ? { operation, part: operation.redriving } : undefined,
};

/** Executes redrives. */
@Injectable()
export class RedriveJob extends LeasedJob<RedriveLease> {
  protected override readonly isConcurrent = true;
  /** The outcomes of paused redrives, kept between polls. */
  private paused = new Map<string, RedriveOutcomes>();
  private judging: Promise<unknown> | undefined;

  constructor(
    private readonly mongo: Mongo,
    private readonly leases: Leases,
    private readonly letters: RedrivenLetters,
    private readonly progress: RedriveProgress,
    private readonly work: RedriveWork,
    wakeUp: WakeUp,
  ) {
    super(wakeUp);
  }

  override async beforeApplicationShutdown(): Promise<void> {
    await super.beforeApplicationShutdown();
    if (this.judging !== undefined) await succeededWithin(this.clock, STOP_TIMEOUT_MS, this.judging);
  }

  /**
   * Claims the oldest redrive that no process executes. A redrive to be cancelled does not wait for a free slot, so that its letters
   * are released at once.
   */
  protected async claim(): Promise<RedriveLease | null> {
    const uninterrupted = { status: 'running', interruption: null } as const;
    const crashedBefore = new Date(this.mongo.time.now().getTime() - SELECTING_MS);
    return this.leases.claim(
      REDRIVING,
      {
        kind: 'redrive',
        redriving: { $ne: null },
        $and: [
          { $or: [{ interruption: 'cancel' }, ...(this.runningCount < MAX_CONCURRENT ? [uninterrupted] : [])] },
          { $or: [{ 'redriving.isSelected': true }, { requestedAt: { $lt: crashedBefore } }] },
        ],
      },
      { change: { status: 'running' } },
    );
  }

  /** Starts to judge paused redrives in the background, once at a time, so that a cancellation works while Kafka hangs. */
  protected async idle(): Promise<void> {
    this.judging ??= this.attempt('judge paused redrives', async () => this.judgePaused()).finally(() => {
      this.judging = undefined;
    });
    return Promise.resolve();
  }

  protected async run(lease: RedriveLease, signal: AbortSignal): Promise<void> {
    const { operation } = lease;
    const { _id: id, interruption } = operation;
    this.logger.log({ operation: id, interruption }, 'redriving');
    if (operation.startedAt === null) await lease.update({ startedAt: this.mongo.time.now() });
    const isCancelled = interruption === 'cancel';
    if (!lease.part.isSelected) {
      const letters = isCancelled ? 0 : await this.letters.select(operation);
      await lease.update({ letters, 'redriving.isSelected': true });
    }
    const outcomes = this.work.createOutcomes(id);
    if (isCancelled) await this.letters.releaseUnsent(id);
    else await this.work.send(operation, outcomes, signal);
    // Also for a cancelled redrive, because sent letters are still in flight.
    await this.work.follow(id, outcomes, signal);
    await this.end(lease, isCancelled ? 'cancelled' : 'succeeded');
    // A pause or cancellation has to be settled.
    this.wakeUp.call();
  }

  /** Ends the redrive if the outcome of each letter is known, and releases it otherwise. */
  private async end(lease: RedriveLease, status: 'succeeded' | 'cancelled'): Promise<void> {
    const { _id: operation } = lease.operation;
    const counts = await this.progress.counts(operation);
    const { waiting, unsent, missing } = counts;
    if (missing > 0) this.logger.error({ operation, missing }, 'redriven records are neither saved nor dead-lettered');
    const finishedAt = this.mongo.time.now();
    if (waiting + unsent > 0) await lease.release();
    else await lease.update({ status, ended: counts, finishedAt, interruption: null, redriving: null });
  }

  /** Judges the letters that were sent before a pause: a pause only stops sending. */
  private async judgePaused(): Promise<void> {
    const before = this.paused;
    const paused = await operationsCollection(this.mongo.db)
      .find({ kind: 'redrive', status: 'paused' })
      .project<{ _id: string }>({ _id: 1 })
      .toArray();
    this.paused = new Map(paused.map(({ _id }) => [_id, before.get(_id) ?? this.work.createOutcomes(_id)]));
    for (const [id, outcomes] of this.paused) if ((await this.progress.counts(id)).waiting > 0) await outcomes.judge();
  }
}
