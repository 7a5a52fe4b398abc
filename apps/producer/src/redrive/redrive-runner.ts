import { randomUUID } from 'node:crypto';
import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { succeededWithin, systemClock } from '#parallel-consumer/clock.js';
import { HeldLease } from '../background/held-lease.js';
import { LeaseLostError } from '../background/lease.js';
import { WakeUp } from '../background/wake-up.js';
import { WorkLoop } from '../background/work-loop.js';
import { RedriveLeases, type RedriveClaim } from './redrive-leases.js';
import type { RedriveOutcomes } from './redrive-outcomes.js';
import { RedriveWork } from './redrive-work.js';
import { RedrivenLetters } from './redriven-letters.js';

/** How many one process does at once: most of a redrive is waiting, for its rate or for the consumers. */
const AT_ONCE = 16;
/** How long a stop waits for those in hand; whoever claims them next goes on. */
const STOP_PATIENCE_MS = 4_000;

/** Does redrives, those that a crashed process left behind included. */
@Injectable()
export class RedriveRunner implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(RedriveRunner.name);
  private readonly owner = randomUUID();
  private readonly loop: WorkLoop<RedriveClaim>;
  private readonly inHand = new Set<Promise<void>>();
  /** Of those that are paused, kept from one look to the next. */
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
      do: async (claim: RedriveClaim) => Promise.resolve(this.begin(claim)),
      idle: async () => Promise.resolve(this.beginToJudge()),
    };
    this.loop = new WorkLoop(redrives, wakeUp, systemClock);
  }

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.loop.stop();
    await succeededWithin(systemClock, STOP_PATIENCE_MS, Promise.all([...this.inHand, this.judging]));
  }

  private async claim(): Promise<RedriveClaim | null> {
    try {
      // None that is cancelled waits for others: its letters are given back at once.
      return await this.leases.claim(this.owner, this.inHand.size < AT_ONCE ? 'any' : 'cancelled');
    } catch (error) {
      this.logger.warn({ reason: String(error) }, 'redrives can not be read: trying again');
      return null;
    }
  }

  /** One that waits keeps no other from beginning. */
  private begin(claim: RedriveClaim): void {
    const done: Promise<void> = this.redrive(claim).finally(() => {
      this.inHand.delete(done);
      // There may be a place for another now.
      this.wakeUp.call();
    });
    this.inHand.add(done);
  }

  /** One look at a time, and none that others wait for: while Kafka hangs a cancel is done all the same. */
  private beginToJudge(): void {
    this.judging ??= this.judgePaused().finally(() => {
      this.judging = undefined;
    });
  }

  /** What was sent before a pause goes on to its end: only the sending is paused. */
  private async judgePaused(): Promise<void> {
    try {
      const before = this.paused;
      const ids = await this.leases.paused();
      this.paused = new Map(ids.map((id) => [id, before.get(id) ?? this.work.outcomesOf(id)]));
      for (const [id, outcomes] of this.paused) if ((await this.letters.counts(id)).waiting > 0) await outcomes.judge();
    } catch (error) {
      this.logger.warn({ reason: String(error) }, 'paused redrives can not be looked at: trying again');
    }
  }

  private async redrive(claim: RedriveClaim): Promise<void> {
    const { _id: operation, interruption } = claim.operation;
    this.logger.log({ operation, interruption }, 'redriving');
    const lease = new HeldLease(
      async () => {
        const wanted = await this.leases.renew(claim);
        // What it was claimed for is no reason to end it.
        return wanted === interruption ? null : wanted;
      },
      (error) => this.logger.warn({ operation, reason: String(error) }, 'a lease is not renewed: trying again'),
      this.wakeUp,
    );
    try {
      await this.goOn(claim, AbortSignal.any([this.loop.signal, lease.over]));
    } catch (error) {
      if (error instanceof LeaseLostError) this.logger.warn({ operation }, error.message);
      // Nothing is lost by leaving it: the lease runs out, and whoever claims it next goes on from what is stored.
      else
        this.logger.error(
          { operation, reason: String(error) },
          'the redrive broke off: it goes on when its lease has run out',
        );
    } finally {
      lease.stop();
    }
  }

  private async goOn(claim: RedriveClaim, signal: AbortSignal): Promise<void> {
    const { operation } = claim;
    const id = operation._id;
    const isCancelled = operation.interruption === 'cancel';
    if (operation.redriving?.isSelected === false)
      await this.leases.selected(claim, isCancelled ? 0 : await this.letters.take(operation));
    const outcomes = this.work.outcomesOf(id);
    if (isCancelled) await this.letters.giveBack(id);
    else await this.work.send(operation, outcomes, signal);
    // Also of one that is cancelled: what was sent is on its way.
    await this.work.follow(id, outcomes, signal);
    const counts = await this.letters.counts(id);
    const { waiting, unsent, missing } = counts;
    if (missing > 0) this.logger.error({ operation: id, missing }, 'redriven records are neither saved nor back');
    if (waiting + unsent > 0) await this.leases.release(claim);
    else await this.leases.finish(claim, isCancelled ? 'cancelled' : 'succeeded', counts);
    // A pause, or a cancel, has to be settled.
    this.wakeUp.call();
  }
}
