import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { succeededWithin, systemClock } from '#parallel-consumer/clock.js';
import { HeldLease } from '../emission/held-lease.js';
import { OperationRunner } from '../emission/operation-runner.js';
import { LeaseLostError } from '../emission/segment-leases.js';
import { Interruptions } from '../operations/interruptions.js';
import { ImportReader } from './import-reader.js';
import { ReadingLeases, type ReadingClaim } from './reading-leases.js';
import { StagedBytesGoneError, StagedFiles } from './staged-files.js';

/** How often to look for an import that another process left behind. */
const LOOK_AROUND_MS = 1_000;
/** How often to look for bytes that nobody will read. */
const TIDY_EVERY_MS = 60 * 60 * 1000;
/** How long a stop waits for the batch in hand; whoever claims the import next reads it again. */
const STOP_PATIENCE_MS = 4_000;

/** Reads imports, one after another, those that a crashed process left behind included; then the emission has them. */
@Injectable()
export class ImportRunner implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(ImportRunner.name);
  private readonly owner = randomUUID();
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private wake: () => void = () => undefined;
  private lookAtWishes: () => void = () => undefined;
  private tidyAt = 0;

  constructor(
    private readonly leases: ReadingLeases,
    private readonly reader: ImportReader,
    private readonly staged: StagedFiles,
    private readonly interruptions: Interruptions,
    private readonly emission: OperationRunner,
  ) {}

  onApplicationBootstrap(): void {
    this.running = this.run();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    this.wake();
    await succeededWithin(systemClock, STOP_PATIENCE_MS, this.running);
  }

  /** There is a new import, or something is wanted of one: look at once. */
  kick(): void {
    this.tidyAt = 0;
    this.wake();
    this.lookAtWishes();
  }

  private async run(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      const claim = await this.orTryAgain('imports can not be read', this.leases.claim(this.owner));
      if (claim) await this.read(claim);
      else {
        await this.tidy();
        await this.lookAround();
      }
    }
  }

  private async read(claim: ReadingClaim): Promise<void> {
    const { operationId: operation } = claim;
    this.logger.log({ operation }, 'reading');
    const lease = new HeldLease(
      async () => this.leases.renew(claim),
      (error) => this.logger.warn({ operation, reason: String(error) }, 'a lease is not renewed: trying again'),
    );
    this.lookAtWishes = () => void lease.look();
    try {
      const count = await this.reader.read(claim, AbortSignal.any([this.stopping.signal, lease.over]));
      if (count === undefined) await this.leases.release(claim);
      else await this.leases.finish(claim, count);
      this.logger.log({ operation, count }, count === undefined ? 'let go' : 'read');
    } catch (error) {
      await this.failed(claim, error);
    } finally {
      this.lookAtWishes = () => undefined;
      lease.stop();
    }
    await this.orTryAgain('operations can not be settled', this.interruptions.settle());
    this.emission.kick();
    this.tidyAt = 0;
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

  private async lookAround(): Promise<void> {
    const woken = new Promise<void>((resolve) => {
      this.wake = resolve;
    });
    const timer = new AbortController();
    await Promise.race([woken, sleep(LOOK_AROUND_MS, undefined, { signal: timer.signal }).catch(() => undefined)]);
    timer.abort();
  }
}
