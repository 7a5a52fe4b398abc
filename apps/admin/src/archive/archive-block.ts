import { ArchiveError, ARCHIVE_FORMAT, archiveName, type ArchiveManifest } from '#orders/archive/archive-manifest.js';
import { DocumentsHash } from '#orders/archive/archive-file.js';
import { type ArchiveFolder, verifyArchive } from '#orders/archive/archive-folder.js';
import { numbersIn, runsOf } from '#orders/archive/archived-ranges.js';
import type { Positions } from '#orders/topics/topics.js';
import { BlockDigest, numberOf } from '#reconcile/stored-content.js';
import type { Pace } from '../pace.js';
import type { ArchiveBlock, ArchiveStore, Selection } from './archive-store.js';

interface BlockFilesContext {
  readonly store: ArchiveStore;
  readonly folder: ArchiveFolder;
  readonly selection: Selection;
  readonly pace: Pace;
}

/** An archive that has the same orders as MongoDB. */
interface VerifiedBlock {
  readonly manifest: ArchiveManifest;
  readonly inspection: Inspection;
}

/** Writes blocks to archives, and verifies them. */
export class BlockFiles {
  constructor(private readonly context: BlockFilesContext) {}

  /**
   * Writes the archive of a block, unless it exists, and verifies that it has the orders that MongoDB has, which must be those of the
   * verified block.
   * @throws UnfitBlockError if the block can't be archived now; ArchiveError `archive-disk`, `archive-damaged`, `archive-differs`
   */
  async verified(block: ArchiveBlock): Promise<VerifiedBlock> {
    const { store, selection } = this.context;
    const manifest = await this.existing(block);
    if (manifest === undefined) {
      const written = await this.write(block);
      await this.verify(written.manifest, store.documents(block.runs));
      return written;
    }
    const inspection = new Inspection(selection.before);
    await this.verify(manifest, inspected(store.documents(block.runs), inspection));
    requireVerified(block, inspection);
    return { manifest, inspection };
  }

  /** Returns the manifest of a block that an earlier run has written, and not listed. */
  private async existing(block: ArchiveBlock): Promise<ArchiveManifest | undefined> {
    const manifest = await this.context.folder.manifest(archiveName(block.ends));
    if (manifest === undefined) return undefined;
    const isSame =
      manifest.operation.id === block.operationId &&
      numbersIn(block.runs) === numbersIn(runsOf({ ...manifest, _id: manifest.first }));
    if (isSame) return manifest;
    throw this.differs(manifest);
  }

  private async write(block: ArchiveBlock): Promise<VerifiedBlock> {
    const { store, folder, pace, selection } = this.context;
    const name = archiveName(block.ends);
    const inspection = new Inspection(selection.before);
    const digest = await folder.write(name, pace.each(inspected(store.documents(block.runs), inspection)));
    requireVerified(block, inspection);
    const manifest: ArchiveManifest = {
      format: ARCHIVE_FORMAT,
      name,
      operation: { id: block.operationId, kind: block.kind },
      ...block.ends,
      ...(block.runs.length > 1 && { runs: [...block.runs] }),
      from: block.from,
      count: digest.count,
      discarded: block.discarded,
      elsewhere: block.elsewhere,
      documents: digest.documents,
      file: digest.file,
      savedAt: inspection.savedAt,
      writtenAt: store.now().toISOString(),
    };
    await folder.complete(manifest);
    return { manifest, inspection };
  }

  /** Reads the file and the stored orders again: both must be what the manifest says. */
  private async verify(manifest: ArchiveManifest, batches: AsyncIterable<readonly Buffer[]>): Promise<void> {
    const { folder, pace } = this.context;
    const stored = new DocumentsHash();
    await verifyArchive(folder, manifest.name);
    for await (const documents of pace.each(batches)) stored.add(documents);
    const { count, documents } = stored.digest();
    if (count !== manifest.count || documents.sha256 !== manifest.documents.sha256) throw this.differs(manifest);
  }

  private differs({ name, first, last }: ArchiveManifest): ArchiveError {
    return new ArchiveError(
      'archive-differs',
      `${this.context.folder.path} has an archive ${name} with other orders than MongoDB has for the numbers ${first} to ${last}. Nothing was removed: give another folder, or move this archive to another place.`,
    );
  }
}

/** @throws UnfitBlockError if the orders are not those whose digest was stored when their block was verified */
function requireVerified({ operationId, digest, verifiedAt }: ArchiveBlock, inspection: Inspection): void {
  if (inspection.digest().equals(digest)) return;
  throw new UnfitBlockError(
    `its orders are not those that were verified at ${verifiedAt.toISOString()}: run npm run reconcile -- ${operationId}`,
    false,
  );
}

async function* inspected(
  batches: AsyncIterable<readonly Buffer[]>,
  inspection: Inspection,
): AsyncGenerator<readonly Buffer[]> {
  for await (const documents of batches) {
    inspection.add(documents);
    yield documents;
  }
}

/** Thrown to stop reading a block that can't be archived now. */
export class UnfitBlockError extends Error {
  override readonly name = 'UnfitBlockError';
  readonly code = 'unfit-piece';

  constructor(
    message: string,
    /** Whether an order was not saved before the date: no reason for a complaint. */
    readonly isTooNew: boolean,
  ) {
    super(message);
  }
}

/** Collects when the orders of a block were saved, from which records, and their digest. */
export class Inspection {
  private from = Infinity;
  private to = -Infinity;
  private readonly offsets = new Map<number, number>();
  private readonly content = new BlockDigest();

  /** @param before all orders must have been saved before this time */
  constructor(private readonly before: Date) {}

  /** @throws UnfitBlockError if an order is too new, or was not saved by a consumer */
  add(documents: readonly Buffer[]): void {
    for (const document of documents) {
      const saved = this.content.add(document);
      if (saved === undefined)
        throw new UnfitBlockError(
          `the order with number ${numberOf(document) ?? 'unknown'} was not saved by a consumer, or was changed: run npm run reconcile`,
          false,
        );
      const { savedAt, partition, offset } = saved;
      if (savedAt >= this.before.getTime()) throw new UnfitBlockError(`saved at ${toIso(savedAt)}`, true);
      this.from = Math.min(this.from, savedAt);
      this.to = Math.max(this.to, savedAt);
      if (offset > (this.offsets.get(partition) ?? -1)) this.offsets.set(partition, offset);
    }
  }

  /** Returns the digest of all orders, as that of a verified block. No order can be added afterwards. */
  digest(): Buffer {
    return this.content.end();
  }

  /** When the orders were saved: the first and the last time. Without orders both are 1970. */
  get savedAt(): { readonly from: string; readonly to: string } {
    return { from: toIso(this.from), to: toIso(this.to) };
  }

  /**
   * Returns a partition whose records the group has not committed: the consumers may read them once more. Offsets beyond the end are
   * those of an earlier topic, which is gone.
   * @param committed the group's offsets @param ends those of the topic, read after them
   */
  uncommitted(committed: Positions, ends: Positions): number | undefined {
    for (const [partition, offset] of this.offsets)
      if (offset < at(ends, partition) && offset >= at(committed, partition)) return partition;
    return undefined;
  }
}

function toIso(time: number): string {
  return new Date(Number.isFinite(time) ? time : 0).toISOString();
}

function at(positions: Positions, partition: number): number {
  return positions.get(partition) ?? 0;
}
