import { pause, type Clock } from '@orders-pipeline/clock';
import type { ArchiveManifest } from '#orders/archive/archive-manifest.js';
import { runsOf, type ArchivedRange } from '#orders/archive/archived-ranges.js';
import { verifyArchiveOf } from '#orders/archive/archive-folder.js';
import { UnfitPieceError, type Inspection } from './inspection.js';
import { OrdersRemoval } from './orders-removal.js';
import type { Piece } from './piece.js';
import { PieceFiles, type PieceFilesContext } from './piece-files.js';

export interface ArchiveRunContext extends PieceFilesContext {
  readonly clock: Clock;
  /** How long a range is listed before its orders are removed, in ms. */
  readonly removeAfterMs: number;
  /** Aborts between two steps; a later run continues. */
  readonly signal: AbortSignal;
  readonly print: (line: string) => void;
}

export interface ArchiveResult {
  readonly archives: number;
  readonly orders: number;
  /** Pieces that are too new. */
  readonly tooNew: number;
  /** Why other orders were left, a line for each operation or piece. */
  readonly left: readonly string[];
}

/**
 * Moves orders from MongoDB to files. For each piece:
 *
 * 1. writes the file and its manifest, durably;
 * 2. reads both again: the file must have the bytes of its manifest, and MongoDB the same orders, which must have the digest of their
 *    settled block;
 * 3. lists the range. From now on, nothing saves its orders again;
 * 4. waits until no process works with an older list, and removes exactly the orders of the file;
 * 5. marks the range as archived.
 *
 * Every step can be repeated, so a run that ended anywhere is continued by the next one.
 */
export class ArchiveRun {
  private readonly files: PieceFiles;
  private readonly removal: OrdersRemoval;
  /** Ranges that are listed, and whose orders are not removed yet. */
  private readonly listed: ArchivedRange[] = [];
  private archives = 0;
  private orders = 0;
  private tooNew = 0;
  private readonly left: string[] = [];

  constructor(private readonly context: ArchiveRunContext) {
    this.files = new PieceFiles(context);
    this.removal = new OrdersRemoval(context);
  }

  /** @throws ArchiveError, or the error of MongoDB's driver or kafkajs; what was done so far stays */
  async run(): Promise<ArchiveResult> {
    await this.resume();
    for await (const candidate of this.context.store.candidates()) {
      this.context.signal.throwIfAborted();
      if ('left' in candidate) this.left.push(candidate.left);
      else await this.archive(candidate.piece);
      await this.removeDue();
    }
    while (this.listed.length > 0) await this.removeNext();
    const { archives, orders, tooNew, left } = this;
    return { archives, orders, tooNew, left };
  }

  /** Continues with ranges whose orders an earlier run began to remove, or that a consumer has saved again since. */
  private async resume(): Promise<void> {
    const { store, folder, print } = this.context;
    for (const range of await store.ranges()) {
      const isBack = range.state === 'archived' && (await store.count(runsOf(range))) > 0;
      if (range.state !== 'removing' && !isBack) continue;
      print(isBack ? `${range.archive} is in MongoDB again: removing it` : `continuing with ${range.archive}`);
      await verifyArchiveOf(folder, range);
      if (isBack) await store.change(range, 'removing');
      await this.prepareRemoval(range);
    }
  }

  private async archive(piece: Piece): Promise<void> {
    try {
      const { manifest, inspection } = await this.files.verified(piece);
      await this.list(piece, manifest, inspection);
    } catch (error) {
      if (!(error instanceof UnfitPieceError)) throw error;
      if (error.isTooNew) this.tooNew += 1;
      else this.leave(piece, error.message);
    }
  }

  private async list(piece: Piece, manifest: ArchiveManifest, inspection: Inspection): Promise<void> {
    const { store, print, signal } = this.context;
    signal.throwIfAborted();
    const positions = await store.positions();
    const behind = inspection.uncommitted(positions);
    if (behind !== undefined)
      return this.leave(piece, `the consumers have not committed its records on partition ${behind}: wait for them`);
    const { first, last, runs, operation, from, count, discarded, elsewhere, savedAt, name, documents, file } =
      manifest;
    const now = store.now();
    const range: ArchivedRange = {
      _id: first,
      last,
      ...(runs !== undefined && { runs }),
      operationId: operation.id,
      kind: operation.kind,
      from,
      count,
      discarded,
      elsewhere,
      savedAt: { from: new Date(savedAt.from), to: new Date(savedAt.to) },
      archive: name,
      sha256: documents.sha256,
      state: 'removing',
      positions: offsetsOf(positions.committed),
      at: now,
      changedAt: now,
    };
    await store.list(range);
    print(`${name}: ${figure(count)} orders, ${figure(Math.ceil(file.bytes / 1_000))} kB, verified`);
    await this.prepareRemoval(range);
  }

  private async prepareRemoval(range: ArchivedRange): Promise<void> {
    await this.removal.storeIds(range);
    this.listed.push(range);
  }

  /** Removes the orders of ranges that are listed for long enough. */
  private async removeDue(): Promise<void> {
    while (this.listed[0] !== undefined && this.waitMs(this.listed[0]) <= 0) await this.removeNext();
  }

  private async removeNext(): Promise<void> {
    const [range] = this.listed;
    if (range === undefined) return;
    const { signal, clock } = this.context;
    while (this.waitMs(range) > 0) {
      signal.throwIfAborted();
      await pause(clock, Math.min(1_000, this.waitMs(range)));
    }
    await this.removal.remove(range);
    this.listed.shift();
    this.archives += 1;
    this.orders += range.count;
  }

  private waitMs({ at }: ArchivedRange): number {
    return at.getTime() + this.context.removeAfterMs - this.context.store.now().getTime();
  }

  private leave(piece: Piece, reason: string): void {
    const { first, last } = piece.ends;
    this.left.push(`${piece.kind} ${piece.operationId}, orders ${figure(first)} to ${figure(last)}: ${reason}`);
  }
}

function offsetsOf(committed: ReadonlyMap<number, number>): number[] {
  const partitions = Math.max(-1, ...committed.keys()) + 1;
  return Array.from({ length: partitions }, (_, partition) => committed.get(partition) ?? 0);
}

function figure(value: number): string {
  return value.toLocaleString('en-US');
}
