import { randomUUID } from 'node:crypto';
import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { systemClock } from '@orders-pipeline/clock';
import { HeldLease } from '../background/held-lease.js';
import { Interruptions } from '../background/interruptions.js';
import { LeaseLostError } from '../background/lease.js';
import { WakeUp } from '../background/wake-up.js';
import { WorkLoop } from '../background/work-loop.js';
import { ImportReader } from './import-reader.js';
import { ReadingLeases, type ReadingClaim } from './reading-leases.js';
import { StagedBytesMissingError, StagedFiles } from './staged-files.js';

/** How often staged files that are no longer needed are removed, in ms. */
const TIDY_EVERY_MS = 60 * 60 * 1000;

/** Reads imports one after another, including those of crashed processes, and passes them to the emission. */
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
      claim: async () => this.orRetryLater('cannot read imports', this.leases.claim(this.owner)),
      do: async (claim: ReadingClaim) => this.read(claim),
      idle: async () => this.tidy(),
    };
    this.loop = new WorkLoop(work, wakeUp, systemClock);
  }

  onApplicationBootstrap(): void {
    // An import may have been cancelled, and its staged files can then be removed.
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
    this.logger.log({ operation }, 'reading import');
    const lease = new HeldLease(
      async () => this.leases.renew(claim),
      (error) => this.logger.warn({ operation, reason: String(error) }, 'cannot renew the lease, retrying'),
      this.wakeUp,
    );
    try {
      const count = await this.reader.read(claim, AbortSignal.any([this.loop.signal, lease.over]));
      if (count === undefined) await this.leases.release(claim);
      else await this.leases.finish(claim, count);
      this.logger.log({ operation, count }, count === undefined ? 'import released' : 'import read');
    } catch (error) {
      await this.handleFailure(claim, error);
    } finally {
      lease.stop();
    }
    await this.orRetryLater('cannot settle operations', this.interruptions.settle());
    // The emission can start with the orders now.
    this.wakeUp.call();
  }

  private async handleFailure(claim: ReadingClaim, error: unknown): Promise<void> {
    const { operationId: operation } = claim;
    if (error instanceof LeaseLostError) return this.logger.warn({ operation }, error.message);
    // Nothing is lost: the lease expires, and the next process to claim the import continues after the last stored batch.
    if (!(error instanceof StagedBytesMissingError))
      return this.logger.error(
        { operation, reason: String(error) },
        'reading the import failed, continues when the lease expires',
      );
    const { code, message } = error;
    this.logger.error({ operation, code }, message);
    await this.orRetryLater('cannot store the failure', this.leases.fail(claim, { code, message }));
  }

  private async tidy(): Promise<void> {
    const now = systemClock.now();
    if (now < this.tidyAt) return;
    this.tidyAt = now + TIDY_EVERY_MS;
    await this.orRetryLater('cannot remove staged files', this.staged.tidy(new Date()));
  }

  private async orRetryLater<T>(problem: string, work: Promise<T>): Promise<T | null> {
    try {
      return await work;
    } catch (error) {
      this.logger.warn({ reason: String(error) }, `${problem}, retrying`);
      return null;
    }
  }
}
