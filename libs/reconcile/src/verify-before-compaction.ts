import { Binary, type Db } from 'mongodb';
import { ImportRowsMissingError } from '#orders/imports/import-rows.js';
import type { IntakeBatch } from '#orders/numbering/intake-batches.js';
import type { SegmentedDocument, IntakeDocument, OrdersDocument } from '#orders/operation/operation.js';
import { deadLettersCollection } from '#orders/dead-letter/dead-letters.js';
import type { AckedBlock, SettledBlock } from '#orders/settled/settled-blocks.js';
import { packIndexes, packRuns, type NumberRun } from '#orders/numbering/number-runs.js';
import { BlockDigest } from './stored-content.js';
import type { Block, CheckContext, CheckSources } from './check-block.js';
import { compareSegmented, compareReceived, groupsOfBatches, runsOf } from './compare-operation.js';
import { Findings } from './report.js';
import { numberIn } from './stored-orders.js';

/** A block that was verified, as it is to be stored. */
export type VerifiedBlock = Omit<SettledBlock, 'verifiedAt' | 'isCompacted'>;

/**
 * The result of a verification.
 * - `verified`: each order is saved exactly as sent, or discarded; nothing else is under its numbers
 * - `open`: an order is not saved yet, or has a dead letter that is pending or being redriven
 * - `defect`: an order is lost, altered, doubled or was never sent
 */
export type Verification =
  | { readonly kind: 'verified'; readonly block: VerifiedBlock }
  | { readonly kind: 'open'; readonly reason: string }
  | { readonly kind: 'defect'; readonly reason: string };

/** Compares a block of an operation with segments, as reconcile does. */
export async function verifySegmented(
  operation: SegmentedDocument,
  { from, ranges }: AckedBlock,
  context: CheckSources,
): Promise<Verification> {
  const runs = ranges.map((range) => ({
    from: range.from,
    first: operation.firstNumber + range.from,
    count: range.to - range.from,
  }));
  return verify(operation, { from, runs }, context, async (own) => compareSegmented(operation, ranges, own));
}

/** Compares consecutive acknowledged batches of an intake, as reconcile does. @param batches at least one, by ascending index */
export async function verifyReceived(
  operation: IntakeDocument,
  batches: readonly IntakeBatch[],
  context: CheckSources,
): Promise<Verification> {
  const runs = runsOf(batches);
  return verify(operation, { from: batches[0]?.from ?? 0, runs }, context, async (own) =>
    compareReceived(operation, groupsOfBatches(batches), own),
  );
}

interface Extent {
  readonly from: number;
  readonly runs: readonly NumberRun[];
}

async function verify(
  operation: OrdersDocument,
  { from, runs }: Extent,
  context: CheckSources,
  compare: (own: CheckContext) => Promise<unknown>,
): Promise<Verification> {
  const last = runs.at(-1);
  const to = last === undefined ? from : last.from + last.count;
  if (await hasOpenLetters(context.db, operation, { from, to }))
    return { kind: 'open', reason: 'dead letters are pending or being redriven' };
  const digest = new BlockDigest();
  const absent: number[] = [];
  const own = {
    ...context,
    findings: new Findings(operation),
    onCompared: (block: Block) => addCompared(block, digest, absent),
  };
  try {
    await compare(own);
  } catch (error) {
    if (!(error instanceof ImportRowsMissingError)) throw error;
    return { kind: 'defect', reason: error.message };
  }
  const { counts, foundFaults } = own.findings;
  const acked = runs.reduce((sum, { count }) => sum + count, 0);
  if (!own.findings.isClean) return describe(own, acked);
  // An order that was saved after its part was read is counted, but not in the digest.
  if (counts.saved !== digest.documents) return { kind: 'open', reason: 'orders are still being saved' };
  const block: VerifiedBlock = {
    _id: { operationId: operation._id, from },
    to,
    ...numbersOfRuns(runs),
    runs: packRuns(runs),
    absent: packIndexes(absent),
    count: acked,
    saved: counts.saved,
    discarded: counts.discarded,
    skipped: counts.skipped,
    faults: { ...foundFaults },
    digest: new Binary(digest.end()),
    positions: digest.positions,
    ends: endsOf(context.positions.ends),
  };
  return { kind: 'verified', block };
}

/** Whether a dead letter of the block may still change, that of an extra record included. */
async function hasOpenLetters(
  db: Db,
  { _id: operationId }: OrdersDocument,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<boolean> {
  const open = { operationId, index: { $gte: from, $lt: to }, state: { $in: ['pending', 'redriving'] } } as const;
  return (await deadLettersCollection(db).findOne(open, { readConcern: { level: 'majority' } })) !== null;
}

/** Adds the documents of a part in the order of their indexes, and the indexes without one. */
function addCompared({ orders, documents }: Block, digest: BlockDigest, absent: number[]): void {
  const byNumber = new Map(documents.map((document) => [numberIn(document), document]));
  for (const { index, order } of orders) {
    const document = byNumber.get(order.number);
    if (document === undefined) absent.push(index);
    else digest.add(document);
  }
}

function describe({ findings }: CheckContext, acked: number): Verification {
  for (const record of findings.lost) findings.addMissing(record);
  const { altered, phantom, doubled, missing: lost, pending } = findings.figures(false);
  if (findings.verdict(true, acked) === 'pending')
    return { kind: 'open', reason: `${pending} orders or extra records are not finished yet` };
  return { kind: 'defect', reason: `missing ${lost}, altered ${altered}, doubled ${doubled}, phantom ${phantom}` };
}

/** Returns the lowest and the highest number. */
function numbersOfRuns(runs: readonly NumberRun[]): { readonly first: number; readonly last: number } {
  let [lowest, highest] = [Number.POSITIVE_INFINITY, 0];
  for (const { first, count } of runs) {
    lowest = Math.min(lowest, first);
    highest = Math.max(highest, first + count - 1);
  }
  return { first: lowest, last: highest };
}

function endsOf(ends: ReadonlyMap<number, number>): number[] {
  const list: number[] = [];
  for (const [partition, end] of ends) list[partition] = end;
  return Array.from(list, (end) => end ?? 0);
}
