import { randomUUID } from 'node:crypto';
import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { systemClock } from '#parallel-consumer/clock.js';
import { HeldLease } from '../background/held-lease.js';
import { LeaseLostError } from '../background/lease.js';
import { WakeUp } from '../background/wake-up.js';
import { WorkLoop } from '../background/work-loop.js';
import { RedriveLeases, type RedriveClaim } from './redrive-leases.js';
import { RedriveWork } from './redrive-work.js';
import { RedrivenLetters } from './redriven-letters.js';

/** Does redrives, one after another, those that a crashed process left behind included. */
@Injectable()
export class RedriveRunner implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(RedriveRunner.name);
  private readonly owner = randomUUID();
  private readonly loop: WorkLoop<RedriveClaim>;

  constructor(
    private readonly leases: RedriveLeases,
    private readonly letters: RedrivenLetters,
    private readonly work: RedriveWork,
    private readonly wakeUp: WakeUp,
  ) {
    const redrives = {
      claim: async () => this.claim(),
      do: async (claim: RedriveClaim) => this.redrive(claim),
      idle: async () => Promise.resolve(),
    };
    this.loop = new WorkLoop(redrives, wakeUp, systemClock);
  }

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.loop.stop();
  }

  private async claim(): Promise<RedriveClaim | null> {
    try {
      return await this.leases.claim(this.owner);
    } catch (error) {
      this.logger.warn({ reason: String(error) }, 'redrives can not be read: trying again');
      return null;
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
    const outcomes = this.work.outcomesOf(operation);
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
