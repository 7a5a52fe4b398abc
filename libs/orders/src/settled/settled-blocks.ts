import { MaxKey, type Binary, type Collection, type Db, type Filter } from 'mongodb';
import type { FaultCounts } from '../generator/fault-mix.js';
import { type IndexRange, FULL_BLOCK_ORDERS, ackedRanges, type Segment } from '../operation/operation.js';
import { bytesOf, lowerBound, unpackRuns } from '../numbering/number-runs.js';

/** The lowest and the highest offset of a block's saved records on one partition of the orders topic. */
export interface OffsetSpan {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

/**
 * A verified block: orders of one operation whose outcomes are final. Each is saved, or its dead letter is discarded. They were compared
 * with the orders that were sent, order by order and without a finding, before this document was stored. It replaces the processing
 * metadata of the block: acknowledged chunks, import rows, intake batches, and saved and discarded dead letters, which are removed
 * afterwards.
 */
export interface SettledBlock {
  readonly _id: {
    readonly operationId: string;
    /** The lowest index. */
    readonly from: number;
  };
  /** One past the highest index. */
  readonly to: number;
  /** The lowest and the highest order number. Other operations may have numbers between them. */
  readonly first: number;
  readonly last: number;
  /** The indexes and numbers, as `packRuns` packs them. */
  readonly runs: Binary;
  /** The indexes without an order under their number: discarded, or saved before under another number. As `packIndexes` packs them. */
  readonly absent: Binary;
  /** Acknowledged orders: `saved + discarded + skipped`. */
  readonly count: number;
  readonly saved: number;
  readonly discarded: number;
  /** Orders that were saved before under another number. */
  readonly skipped: number;
  /** The injected faults, all of which were found. */
  readonly faults: FaultCounts;
  /** SHA-256 over the saved orders in the order of their indexes: the stored content, the partition and the offset of each. */
  readonly digest: Binary;
  readonly positions: readonly OffsetSpan[];
  /** The end offset of each partition of the orders topic before the block was compared. Records below are older than that. */
  readonly ends: readonly number[];
  /** By MongoDB's clock. */
  readonly verifiedAt: Date;
  /** Whether the chunks, rows and batches of the block are removed. */
  readonly isCompacted: boolean;
}

/** Sums over the verified blocks of an operation. */
export interface SettledTotals {
  readonly blocks: number;
  readonly count: number;
  readonly saved: number;
  readonly discarded: number;
  readonly skipped: number;
  /** The indexes of the blocks, as the fewest possible ranges, in order. */
  readonly ranges: readonly IndexRange[];
}

/** Returns the bytes of a block's digest. */
export function digestOf({ digest }: Pick<SettledBlock, 'digest'>): Buffer {
  return bytesOf(digest);
}

export function settledBlocksCollection(db: Db): Collection<SettledBlock> {
  return db.collection<SettledBlock>('settledBlocks');
}

/** Matches the verified blocks of an operation that begin at an index or later. MongoDB compares the fields of `_id` in their order. */
export function blocksOf(operationId: string, from = 0): Filter<SettledBlock> {
  return { _id: { $gte: { operationId, from }, $lt: { operationId, from: new MaxKey() } } as object };
}

/** Returns the verified block that begins at an index; `null` if there is none. */
export async function findSettledBlock(db: Db, operationId: string, from: number): Promise<SettledBlock | null> {
  return settledBlocksCollection(db).findOne({ _id: { operationId, from } }, { readConcern: { level: 'majority' } });
}

export async function settledTotals(db: Db, operationId: string): Promise<SettledTotals> {
  const blocks = await settledBlocksCollection(db)
    .find(blocksOf(operationId), { readConcern: { level: 'majority' } })
    .sort({ _id: 1 })
    .project<Pick<SettledBlock, '_id' | 'to' | 'count' | 'saved' | 'discarded' | 'skipped'>>({
      to: 1,
      count: 1,
      saved: 1,
      discarded: 1,
      skipped: 1,
    })
    .toArray();
  const sums = { count: 0, saved: 0, discarded: 0, skipped: 0 };
  const ranges: { from: number; to: number }[] = [];
  for (const block of blocks) {
    for (const name of ['count', 'saved', 'discarded', 'skipped'] as const) sums[name] += block[name];
    const last = ranges.at(-1);
    if (last?.to === block._id.from) last.to = block.to;
    else ranges.push({ from: block._id.from, to: block.to });
  }
  return { blocks: blocks.length, ...sums, ranges };
}

/** Returns the condition that a field, an index in the operation, is in no verified block. */
export function outsideOf({ ranges }: Pick<SettledTotals, 'ranges'>, field: string): object {
  if (ranges.length === 0) return {};
  return { $nor: ranges.map(({ from, to }) => ({ [field]: { $gte: from, $lt: to } })) };
}

/**
 * Reads the processing metadata that is left of an operation beside its verified blocks. It reads again if blocks were verified meanwhile:
 * their orders would be counted in neither, or in both.
 */
export async function besideSettled<T>(
  db: Db,
  operationId: string,
  read: (settled: SettledTotals) => Promise<T>,
): Promise<T> {
  let settled = await settledTotals(db, operationId);
  for (;;) {
    const result = await read(settled);
    const now = await settledTotals(db, operationId);
    if (now.blocks === settled.blocks) return result;
    settled = now;
  }
}

/** Returns those of the numbers that belong to a verified block. */
export async function settledAmong(db: Db, numbers: readonly number[]): Promise<Set<number>> {
  const sorted = numbers.toSorted((a, b) => a - b);
  const [lowest, highest] = [sorted[0], sorted.at(-1)];
  const found = new Set<number>();
  if (lowest === undefined || highest === undefined) return found;
  for (const { runs } of await blocksWithin(db, lowest, highest))
    for (const { first, count } of unpackRuns(runs))
      for (let at = lowerBound(sorted, first); at < sorted.length; at += 1) {
        const number = sorted[at] ?? Number.POSITIVE_INFINITY;
        if (number >= first + count) break;
        found.add(number);
      }
  return found;
}

/** Returns the index that an order number has in a verified block of an operation; `null` if it is in none. */
export async function settledIndexOf(
  db: Db,
  operationId: string,
  number: number,
  options: { readonly maxTimeMS?: number } = {},
): Promise<number | null> {
  const blocks = await blocksWithin(db, number, number, options);
  for (const { _id, runs } of blocks) {
    if (_id.operationId !== operationId) continue;
    const run = unpackRuns(runs).find(({ first, count }) => number >= first && number < first + count);
    if (run !== undefined) return run.from + number - run.first;
  }
  return null;
}

async function blocksWithin(
  db: Db,
  first: number,
  last: number,
  options: { readonly maxTimeMS?: number } = {},
): Promise<Pick<SettledBlock, '_id' | 'runs'>[]> {
  return settledBlocksCollection(db)
    .find({ first: { $lte: last }, last: { $gte: first } }, options)
    .project<Pick<SettledBlock, '_id' | 'runs'>>({ runs: 1 })
    .toArray();
}

/** The acknowledged orders of one block of FULL_BLOCK_ORDERS indexes of an operation with segments. */
export interface AckedBlock {
  /** Where the block begins: a multiple of FULL_BLOCK_ORDERS. */
  readonly from: number;
  /** The acknowledged indexes, in order. A cancelled operation may have several ranges in a block. */
  readonly ranges: readonly IndexRange[];
}

/** Returns the blocks that have acknowledged orders, in order. */
export function ackedBlocks(segments: readonly Segment[]): AckedBlock[] {
  const blocks = new Map<number, IndexRange[]>();
  for (const { from, to } of ackedRanges(segments))
    for (let start = from; start < to;) {
      const block = Math.floor(start / FULL_BLOCK_ORDERS) * FULL_BLOCK_ORDERS;
      const end = Math.min(to, block + FULL_BLOCK_ORDERS);
      blocks.set(block, [...(blocks.get(block) ?? []), { from: start, to: end }]);
      start = end;
    }
  return [...blocks].map(([from, ranges]) => ({ from, ranges }));
}
