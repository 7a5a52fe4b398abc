import { randomUUID } from 'node:crypto';
import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { systemClock } from '#parallel-consumer/clock.js';
import { HeldLease } from '../background/held-lease.js';
import { Interruptions } from '../background/interruptions.js';
import { LeaseLostError } from '../background/lease.js';
import { WakeUp } from '../background/wake-up.js';
import { WorkLoop } from '../background/work-loop.js';
import { ImportReader } from './import-reader.js';
import { ReadingLeases, type ReadingClaim } from './reading-leases.js';
import { StagedBytesGoneError, StagedFiles } from './staged-files.js';

/** How often to look for bytes that nobody will read. */
const TIDY_EVERY_MS = 60 * 60 * 1000;

/** Reads imports, one after another, those that a crashed process left behind included; then the emission has them. */
@Injectable()
export class ImportRunner implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(ImportRunner.name);
  private readonly owner = randomUUID();
  private readonly loop: WorkLoop<ReadingClaim>;
  private tidyAt = 0;

  constructor(
    private readonly leases: ReadingLeases,
    private readonly reader: ImportReader,
    private readonly staged: StagedFiles,
    private readonly interruptions: Interruptions,
    private readonly wakeUp: WakeUp,
  ) {
    const work = {
      claim: async () => this.orTryAgain('imports can not be read', this.leases.claim(this.owner)),
      do: async (claim: ReadingClaim) => this.read(claim),
      idle: async () => this.tidy(),
    };
    this.loop = new WorkLoop(work, wakeUp, systemClock);
  }

  onApplicationBootstrap(): void {
    // An import may have been cancelled.
    this.wakeUp.listen(() => {
      this.tidyAt = 0;
    });
    this.loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.loop.stop();
  }

  private async read(claim: ReadingClaim): Promise<void> {
    const { operationId: operation } = claim;
    this.logger.log({ operation }, 'reading');
    const lease = new HeldLease(
      async () => this.leases.renew(claim),
      (error) => this.logger.warn({ operation, reason: String(error) }, 'a lease is not renewed: trying again'),
      this.wakeUp,
    );
    try {
      const count = await this.reader.read(claim, AbortSignal.any([this.loop.signal, lease.over]));
      if (count === undefined) await this.leases.release(claim);
      else await this.leases.finish(claim, count);
      this.logger.log({ operation, count }, count === undefined ? 'let go' : 'read');
    } catch (error) {
      await this.failed(claim, error);
    } finally {
      lease.stop();
    }
    await this.orTryAgain('operations can not be settled', this.interruptions.settle());
    // The emission has its orders now.
    this.wakeUp.call();
  }

  private async failed(claim: ReadingClaim, error: unknown): Promise<void> {
    const { operationId: operation } = claim;
    if (error instanceof LeaseLostError) return this.logger.warn({ operation }, error.message);
    // Nothing is lost by leaving it: the lease runs out, and whoever claims it next goes on from the last stored batch.
    if (!(error instanceof StagedBytesGoneError))
      return this.logger.error(
        { operation, reason: String(error) },
        'the reading broke off: it goes on when its lease has run out',
      );
    const { code, message } = error;
    this.logger.error({ operation, code }, message);
    await this.orTryAgain('a failure can not be stored', this.leases.fail(claim, { code, message }));
  }

  private async tidy(): Promise<void> {
    const now = systemClock.now();
    if (now < this.tidyAt) return;
    this.tidyAt = now + TIDY_EVERY_MS;
    await this.orTryAgain('files of imports can not be removed', this.staged.tidy(new Date()));
  }

  private async orTryAgain<T>(trouble: string, work: Promise<T>): Promise<T | null> {
    try {
      return await work;
    } catch (error) {
      this.logger.warn({ reason: String(error) }, `${trouble}: trying again`);
      return null;
    }
  }
}
