import { randomUUID } from 'node:crypto';
import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { succeededWithin, systemClock } from '@orders-pipeline/clock';
import { HeldLease } from '../background/held-lease.js';
import { LeaseLostError } from '../background/lease.js';
import { WakeUp } from '../background/wake-up.js';
import { WorkLoop } from '../background/work-loop.js';
import { RedriveLeases, type RedriveClaim } from './redrive-leases.js';
import type { RedriveOutcomes } from './redrive-outcomes.js';
import { RedriveWork } from './redrive-work.js';
import { RedrivenLetters } from './redriven-letters.js';

/** Maximum number of concurrent redrives per process. A redrive mostly waits, for its rate or for the consumers. */
const MAX_CONCURRENT = 16;
/** How long a stop waits for running redrives, in ms. The next process to claim them continues. */
const STOP_TIMEOUT_MS = 4_000;

/** Executes redrives, including those of crashed processes. */
@Injectable()
export class RedriveRunner implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(RedriveRunner.name);
  private readonly owner = randomUUID();
  private readonly loop: WorkLoop<RedriveClaim>;
  private readonly running = new Set<Promise<void>>();
  /** The outcomes of paused redrives, kept between polls. */
  private paused = new Map<string, RedriveOutcomes>();
  private judging: Promise<void> | undefined;

  constructor(
    private readonly leases: RedriveLeases,
    private readonly letters: RedrivenLetters,
    private readonly work: RedriveWork,
    private readonly wakeUp: WakeUp,
  ) {
    const redrives = {
      claim: async () => this.claim(),
      do: async (claim: RedriveClaim) => Promise.resolve(this.start(claim)),
      idle: async () => Promise.resolve(this.startJudging()),
    };
    this.loop = new WorkLoop(redrives, wakeUp, systemClock);
  }

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.loop.stop();
    await succeededWithin(systemClock, STOP_TIMEOUT_MS, Promise.all([...this.running, this.judging]));
  }

  private async claim(): Promise<RedriveClaim | null> {
    try {
      // A cancelled redrive does not wait for a free slot, so that its letters are released at once.
      return await this.leases.claim(this.owner, this.running.size < MAX_CONCURRENT ? 'any' : 'cancelled');
    } catch (error) {
      this.logger.warn({ reason: String(error) }, 'cannot read redrives, retrying');
      return null;
    }
  }

  /** Starts a redrive without waiting for its end. */
  private start(claim: RedriveClaim): void {
    const done: Promise<void> = this.redrive(claim).finally(() => {
      this.running.delete(done);
      // There is a free slot for another redrive now.
      this.wakeUp.call();
    });
    this.running.add(done);
  }

  /** Starts to judge paused redrives in the background, once at a time, so that a cancellation works while Kafka hangs. */
  private startJudging(): void {
    this.judging ??= this.judgePaused().finally(() => {
      this.judging = undefined;
    });
  }

  /** Judges the letters that were sent before a pause: a pause only stops sending. */
  private async judgePaused(): Promise<void> {
    try {
      const before = this.paused;
      const ids = await this.leases.paused();
      this.paused = new Map(ids.map((id) => [id, before.get(id) ?? this.work.createOutcomes(id)]));
      for (const [id, outcomes] of this.paused) if ((await this.letters.counts(id)).waiting > 0) await outcomes.judge();
    } catch (error) {
      this.logger.warn({ reason: String(error) }, 'cannot judge paused redrives, retrying');
    }
  }

  private async redrive(claim: RedriveClaim): Promise<void> {
    const { _id: operation, interruption } = claim.operation;
    this.logger.log({ operation, interruption }, 'redriving');
    const lease = new HeldLease(
      async () => {
        const requested = await this.leases.renew(claim);
        // The interruption that it was claimed with must not end it.
        return requested === interruption ? null : requested;
      },
      (error) => this.logger.warn({ operation, reason: String(error) }, 'cannot renew the lease, retrying'),
      this.wakeUp,
    );
    try {
      await this.execute(claim, AbortSignal.any([this.loop.signal, lease.over]));
    } catch (error) {
      if (error instanceof LeaseLostError) this.logger.warn({ operation }, error.message);
      // Nothing is lost: the lease expires, and the next process to claim the redrive continues from the stored state.
      else this.logger.error({ operation, reason: String(error) }, 'redrive failed, continues when the lease expires');
    } finally {
      lease.stop();
    }
  }

  private async execute(claim: RedriveClaim, signal: AbortSignal): Promise<void> {
    const { operation } = claim;
    const id = operation._id;
    const isCancelled = operation.interruption === 'cancel';
    if (operation.redriving?.isSelected === false)
      await this.leases.markSelected(claim, isCancelled ? 0 : await this.letters.select(operation));
    const outcomes = this.work.createOutcomes(id);
    if (isCancelled) await this.letters.releaseUnsent(id);
    else await this.work.send(operation, outcomes, signal);
    // Also for a cancelled redrive, because sent letters are still in flight.
    await this.work.follow(id, outcomes, signal);
    const counts = await this.letters.counts(id);
    const { waiting, unsent, missing } = counts;
    if (missing > 0)
      this.logger.error({ operation: id, missing }, 'redriven records are neither saved nor dead-lettered');
    if (waiting + unsent > 0) await this.leases.release(claim);
    else await this.leases.finish(claim, isCancelled ? 'cancelled' : 'succeeded', counts);
    // A pause or cancellation has to be settled.
    this.wakeUp.call();
  }
}
