import { Injectable } from '@nestjs/common';
import { type ManifestFile, manifestTotals } from '#orders/imports/import-manifest.js';
import { type RowCounts, type ImportDocument, createSegments } from '#orders/operation/operation.js';
import { reserveNumbers } from '#orders/numbering/number-blocks.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { Interruptions } from '../background/interruptions.js';
import { LeasedJob, WakeUp } from '../background/leased-job.js';
import { type HeldLease, Leases, partInField } from '../background/operation-leases.js';
import { ImportManifest, type ImportReject, ImportRejects, type ReadingClaim } from './import-manifest.js';
import { type FileFault, parseRow, type RawRow, RowSplitter, SHOWN_BYTES } from './import-rows.js';
import { type Candidate, RowAcceptance, type RowOutcome } from './row-acceptance.js';
import { StagedBytesMissingError, StagedFiles } from './staged-files.js';

/** Number of rows that are looked up and stored at once. */
const BATCH_ROWS = 1_000;

/** A parsed row, without its bytes. */
interface ReadRow extends Omit<RawRow, 'bytes' | 'fault'> {
  readonly parsed: ReturnType<typeof parseRow>;
  readonly text: string;
}

type Progress = RowCounts & Pick<ManifestFile, 'byteOffset'>;

/** The state of reading an import in one process, until all files are read or the reading is interrupted. */
interface Reading {
  readonly claim: ReadingClaim;
  /** Ends the reading after the current batch. */
  readonly signal: AbortSignal;
  /** Number of orders that the import has accepted: the index of the next one. */
  accepted: number;
}

/**
 * Reads the files of an import in batches of rows. Each batch is stored before the read position advances, so a crash at any point
 * repeats at most one batch, with the same result.
 */
@Injectable()
export class ImportReader {
  constructor(
    private readonly mongo: Mongo,
    private readonly staged: StagedFiles,
    private readonly manifest: ImportManifest,
    private readonly rejects: ImportRejects,
    private readonly acceptance: RowAcceptance,
  ) {}

  /** @returns the number of orders of the import; `undefined` if interrupted before all files were read. @throws LeaseLostError */
  async read(claim: ReadingClaim, signal: AbortSignal): Promise<number | undefined> {
    const { operationId, epoch } = claim;
    const { accepted } = await manifestTotals(this.mongo.db, operationId);
    const reading: Reading = { claim, signal, accepted };
    let file = await this.manifest.unread(claim, -1);
    if (file !== null) await this.discardUnfinishedBatch(reading, file);
    for (; file !== null; file = await this.manifest.unread(claim, file._id.file)) {
      const known = file.state === 'waiting' ? await this.manifest.findKnown(file) : undefined;
      if (known !== undefined) await this.manifest.save(file, { state: 'known', knownFrom: known });
      else await this.readFile(reading, file);
      if (signal.aborted) return undefined;
    }
    // An earlier lease holder may have stored a batch after the first deletion.
    await this.acceptance.forget({ operationId, epoch, nextIndex: reading.accepted });
    return reading.accepted;
  }

  private async discardUnfinishedBatch(
    { claim: { operationId, epoch }, accepted }: Reading,
    { _id, rows }: ManifestFile,
  ): Promise<void> {
    await this.acceptance.forget({ operationId, epoch, nextIndex: accepted });
    await this.rejects.forget(operationId, epoch, { file: _id.file, row: rows - 1 });
  }

  private async readFile(reading: Reading, file: ManifestFile): Promise<void> {
    let progress = toProgress(file);
    let batch: ReadRow[] = [];
    const splitter = new RowSplitter({ offset: file.byteOffset, row: file.rows });
    for await (const chunk of this.readBytes(file)) {
      for (const raw of splitter.push(chunk)) {
        batch.push(readRow(raw));
        if (batch.length < BATCH_ROWS) continue;
        progress = await this.takeBatch(reading, file, batch, progress);
        batch = [];
        if (reading.signal.aborted) return;
      }
      if (splitter.isOver) break;
      // Checked per chunk, because a row may never end. The rows of the unfinished batch are read again later.
      if (reading.signal.aborted) return;
    }
    await this.endFile(reading, file, { batch, progress, fault: splitter.end() });
  }

  /** Returns the bytes of a file from its read position on. */
  private readBytes({ content, bytes, byteOffset }: ManifestFile): AsyncIterable<Buffer> | readonly Buffer[] {
    if (content === null || bytes === null || byteOffset === bytes) return [];
    return this.staged.read({ content, bytes }, byteOffset);
  }

  private async endFile(
    reading: Reading,
    file: ManifestFile,
    { batch, progress, fault }: { batch: readonly ReadRow[]; progress: Progress; fault: FileFault | undefined },
  ): Promise<void> {
    if (fault !== undefined && !('rest' in fault))
      return this.manifest.save(file, {
        state: 'refused',
        reason: { code: fault.code, detail: FILE_FAULTS[fault.code] },
      });
    const last = batch.length === 0 ? progress : await this.store(reading, file, batch, progress);
    const rest = fault === undefined ? undefined : toRestReject(fault, file);
    if (rest !== undefined) await this.rejects.store([rest]);
    const unread = rest === undefined ? 0 : 1;
    await this.manifest.save(file, {
      ...last,
      rows: last.rows + unread,
      malformed: last.malformed + unread,
      state: 'read',
    });
  }

  private async takeBatch(
    reading: Reading,
    file: ManifestFile,
    batch: readonly ReadRow[],
    before: Progress,
  ): Promise<Progress> {
    const progress = await this.store(reading, file, batch, before);
    await this.manifest.save(file, { ...progress, state: 'reading' });
    return progress;
  }

  /** Stores the accepted orders and the rejected rows of a batch. @returns the file's progress after the batch */
  private async store(
    reading: Reading,
    file: ManifestFile,
    batch: readonly ReadRow[],
    before: Progress,
  ): Promise<Progress> {
    const { operationId, file: place } = file._id;
    const candidates: (Candidate & { readonly from: ReadRow })[] = [];
    const rejects: ImportReject[] = [];
    for (const from of batch) {
      if ('order' in from.parsed)
        candidates.push({ order: from.parsed.order, source: { file: place, row: from.row }, from });
      else rejects.push({ ...rejected(file, from), ...from.parsed.reason });
    }
    const malformed = rejects.length;
    const outcomes = await this.acceptance.take(candidates, {
      operationId,
      epoch: file.epoch,
      nextIndex: reading.accepted,
    });
    for (const [at, { from }] of candidates.entries()) {
      const reason = REASONS[outcomes[at] ?? 'accepted'];
      if (reason !== undefined) rejects.push({ ...rejected(file, from), ...reason });
    }
    await this.rejects.store(rejects);
    const counted = (wanted: string): number => outcomes.filter((outcome) => outcome === wanted).length;
    reading.accepted += counted('accepted');
    return {
      rows: before.rows + batch.length,
      accepted: before.accepted + counted('accepted'),
      skipped: before.skipped + counted('skipped'),
      // Whether an archived order has the same content is not known, so that its row is set aside too.
      conflicting: before.conflicting + counted('conflicting') + counted('archived'),
      malformed: before.malformed + malformed,
      byteOffset: batch.at(-1)?.end ?? before.byteOffset,
    };
  }
}

function toProgress({ rows, accepted, skipped, conflicting, malformed, byteOffset }: ManifestFile): Progress {
  return { rows, accepted, skipped, conflicting, malformed, byteOffset };
}

/** Why a row is set aside because of an order that exists already. */
const REASONS: Partial<Record<RowOutcome, Pick<ImportReject, 'code' | 'field' | 'detail'>>> = {
  conflicting: {
    code: 'conflict',
    field: 'id',
    detail: 'an order with this id and other content already exists; it is not changed',
  },
  archived: {
    code: 'order-archived',
    field: 'id',
    detail: 'the order with this id is archived; bring its archive back, and import this row again to compare both',
  },
};

function readRow(raw: RawRow): ReadRow {
  const { row, offset, end, bytes } = raw;
  return { row, offset, end, parsed: parseRow(raw), text: bytes.toString('utf8', 0, SHOWN_BYTES) };
}

function rejected({ _id, name, epoch }: ManifestFile, { row, offset, text }: Pick<ReadRow, 'row' | 'offset' | 'text'>) {
  return { _id: { ..._id, row }, epoch, fileName: name, byteOffset: offset, text };
}

function toRestReject({ code, rest }: Extract<FileFault, { rest: unknown }>, file: ManifestFile): ImportReject {
  const { row, offset, bytes } = rest;
  return {
    ...rejected(file, { row, offset, text: bytes.toString('utf8', 0, SHOWN_BYTES) }),
    code,
    detail: FILE_FAULTS[code],
  };
}

/** Why a whole file is rejected, or why its rest is. */
const FILE_FAULTS: Record<FileFault['code'], string> = {
  empty: 'it is empty; an empty chunk must be []',
  'byte-order-mark': 'it begins with a byte-order mark; save it as UTF-8 without one',
  'not-json': 'it is not JSON; it must be an array of orders, [{"id": "…", "number": 1}]',
  'not-an-array': 'it does not begin with "["; it must be an array of orders, [{"id": "…", "number": 1}]',
  'broken-off': 'the file is truncated inside the array; the rows before this point were read',
  'trailing-text': 'there is text after the end of the array; it was not read, the rows before it were',
};

/** How often staged files that are no longer needed are removed, in ms. */
const TIDY_EVERY_MS = 60 * 60 * 1000;

type ReadingPart = NonNullable<ImportDocument['reading']>;
type ReadingLease = HeldLease<ImportDocument, ReadingPart>;

const READING = partInField<ImportDocument, ReadingPart>('reading', (operation) =>
  operation.kind === 'import' && operation.reading ? { operation, part: operation.reading } : undefined,
);

/** Reads imports one after another, so that a producer can publish them. */
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
      // The orders can be published now.
      this.wakeUp.call();
    }
  }

  protected async idle(): Promise<void> {
    const now = this.clock.now();
    if (now < this.tidyAt) return;
    this.tidyAt = now + TIDY_EVERY_MS;
    await this.staged.tidy();
  }

  /** Ends the reading: reserves the block of order numbers and lets publishing begin, in one transaction. */
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
