import { Injectable } from '@nestjs/common';
import { reserveNumbers } from '#orders/numbering/number-blocks.js';
import { type ImportDocument, createSegments } from '#orders/operation/operation.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { Interruptions } from '../background/interruptions.js';
import { LeasedJob } from '../background/leased-job.js';
import type { HeldLease } from '../background/held-lease.js';
import { matchField, type LeasedPart } from '../background/lease.js';
import { Leases } from '../background/leases.js';
import { WakeUp } from '../background/wake-up.js';
import { ImportManifest, type ReadingClaim } from './import-manifest.js';
import { ImportReader } from './import-reader.js';
import { StagedBytesMissingError, StagedFiles } from './staged-files.js';

/** How often staged files that are no longer needed are removed, in ms. */
const TIDY_EVERY_MS = 60 * 60 * 1000;

type Reading = NonNullable<ImportDocument['reading']>;
type ReadingLease = HeldLease<ImportDocument, Reading>;

const READING: LeasedPart<ImportDocument, Reading> = {
  path: 'reading',
  match: matchField('reading'),
  find: (operation) =>
    operation.kind === 'import' && operation.reading ? { operation, part: operation.reading } : undefined,
};

/** Reads imports one after another, and passes them to the emission. */
@Injectable()
export class ImportJob extends LeasedJob<ReadingLease> {
  private tidyAt = 0;

  constructor(
    private readonly mongo: Mongo,
    private readonly leases: Leases,
    private readonly manifest: ImportManifest,
    private readonly reader: ImportReader,
    private readonly staged: StagedFiles,
    private readonly interruptions: Interruptions,
    wakeUp: WakeUp,
  ) {
    super(wakeUp);
    // An import may have been cancelled, and its staged files can then be removed.
    wakeUp.listen(() => {
      this.tidyAt = 0;
    });
  }

  /** Claims the oldest running import that no process reads. */
  protected async claim(): Promise<ReadingLease | null> {
    const isRunning = { status: 'running', interruption: null } as const;
    const lease = await this.leases.claim(READING, { kind: 'import', ...isRunning, reading: { $ne: null } });
    if (lease !== null) await this.manifest.fence(toClaim(lease));
    return lease;
  }

  protected async run(lease: ReadingLease, signal: AbortSignal): Promise<void> {
    const { _id: operation } = lease.operation;
    this.logger.log({ operation }, 'reading import');
    try {
      const count = await this.reader.read(toClaim(lease), signal);
      if (count === undefined) await lease.release();
      else await this.finish(lease, count);
      this.logger.log({ operation, count }, count === undefined ? 'import released' : 'import read');
    } catch (error) {
      if (!(error instanceof StagedBytesMissingError)) throw error;
      this.logger.error({ operation, code: error.code }, error.message);
      await lease.fail(error);
    } finally {
      await this.attempt('settle operations', async () => this.interruptions.settle());
      // The emission can start with the orders now.
      this.wakeUp.call();
    }
  }

  protected async idle(): Promise<void> {
    const now = this.clock.now();
    if (now < this.tidyAt) return;
    this.tidyAt = now + TIDY_EVERY_MS;
    await this.staged.tidy();
  }

  /** Ends the reading: reserves the block of order numbers and lets the emission begin, in one transaction. */
  private async finish(lease: ReadingLease, count: number): Promise<void> {
    await this.mongo.client.withSession((session) =>
      session.withTransaction(async () => {
        const firstNumber = count === 0 ? 0 : await reserveNumbers(this.mongo.db, count, session);
        const read: Partial<ImportDocument> = { count, firstNumber, segments: createSegments(count), reading: null };
        await lease.update(read, session);
      }),
    );
  }
}

function toClaim({ operation, part }: ReadingLease): ReadingClaim {
  return { operationId: operation._id, epoch: part.epoch };
}
