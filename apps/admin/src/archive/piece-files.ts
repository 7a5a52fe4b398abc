import { ArchiveError, ARCHIVE_FORMAT, archiveName, type ArchiveManifest } from '#orders/archive/archive-manifest.js';
import { DocumentsHash } from '#orders/archive/archive-file.js';
import { type ArchiveFolder, verifyArchive } from '#orders/archive/archive-folder.js';
import { numbersIn, runsOf } from '#orders/archive/archived-ranges.js';
import type { ArchiveStore } from './archive-store.js';
import { Inspection, UnfitPieceError } from './inspection.js';
import type { Pace } from './pace.js';
import type { Piece } from './piece.js';

export interface PieceFilesContext {
  readonly store: ArchiveStore;
  readonly folder: ArchiveFolder;
  /** Orders that were saved before this time are archived. */
  readonly before: Date;
  readonly pace: Pace;
}

/** An archive that has the same orders as MongoDB. */
export interface VerifiedPiece {
  readonly manifest: ArchiveManifest;
  readonly inspection: Inspection;
}

/** Writes pieces to archives, and verifies them. */
export class PieceFiles {
  constructor(private readonly context: PieceFilesContext) {}

  /**
   * Writes the archive of a piece, unless it exists, and verifies that it has the orders that MongoDB has, which must be those of the settled block.
   * @throws UnfitPieceError if the piece can't be archived now; ArchiveError `archive-disk`, `archive-damaged`, `archive-differs`
   */
  async verified(piece: Piece): Promise<VerifiedPiece> {
    const { store, before } = this.context;
    const manifest = await this.existing(piece);
    if (manifest === undefined) {
      const written = await this.write(piece);
      await this.verify(written.manifest, store.documents(piece.runs));
      return written;
    }
    const inspection = new Inspection(before);
    await this.verify(manifest, inspected(store.documents(piece.runs), inspection));
    requireVerified(piece, inspection);
    return { manifest, inspection };
  }

  /** Returns the manifest of a piece that an earlier run has written, and not listed. */
  private async existing(piece: Piece): Promise<ArchiveManifest | undefined> {
    const manifest = await this.context.folder.manifest(archiveName(piece.ends));
    if (manifest === undefined) return undefined;
    const isSame =
      manifest.operation.id === piece.operationId &&
      numbersIn(piece.runs) === numbersIn(runsOf({ ...manifest, _id: manifest.first }));
    if (isSame) return manifest;
    throw this.differs(manifest);
  }

  private async write(piece: Piece): Promise<VerifiedPiece> {
    const { store, folder, pace, before } = this.context;
    const ends = piece.ends;
    const name = archiveName(ends);
    const inspection = new Inspection(before);
    const digest = await folder.write(name, pace.each(inspected(store.documents(piece.runs), inspection)));
    requireVerified(piece, inspection);
    const manifest: ArchiveManifest = {
      format: ARCHIVE_FORMAT,
      name,
      operation: { id: piece.operationId, kind: piece.kind },
      ...ends,
      ...(piece.runs.length > 1 && { runs: [...piece.runs] }),
      from: piece.from,
      count: digest.count,
      discarded: piece.discarded,
      elsewhere: piece.elsewhere,
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
      `${this.context.folder.path} has an archive ${name} with other orders than MongoDB has for the numbers ${first} to ${last}. Nothing was removed: give another folder, or move this archive away.`,
    );
  }
}

/** @throws UnfitPieceError if the orders are not those whose digest was stored when their block was settled */
function requireVerified({ operationId, digest, verifiedAt }: Piece, inspection: Inspection): void {
  if (inspection.digest().equals(digest)) return;
  throw new UnfitPieceError(
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
