import type { Db } from 'mongodb';
import { FAULTS } from '#orders/generator/fault-mix.js';
import type { OrdersDocument, PopulateDocument } from '#orders/operation/operation.js';
import { createFaultSelector, orderSource } from '#orders/operation/order-source.js';
import { unpackIndexes, unpackRuns, type NumberRun } from '#orders/numbering/number-runs.js';
import { digestOf, type SettledBlock } from '#orders/settled/settled-blocks.js';
import { ArchiveError } from '#orders/archive/archive-manifest.js';
import { type ArchiveFolder, verifyArchiveOf } from '#orders/archive/archive-folder.js';
import type { ArchivedRange } from '#orders/archive/archived-ranges.js';
import type { CheckContext, ReconcileContext } from './check-block.js';
import { compareBlock, type PhantomOrder } from './compare-block.js';
import { sentOrders } from './compare-operation.js';
import { documentsOfRuns, groupsOf, numberIn } from './stored-orders.js';
import type { MissingRecord } from './report.js';
import { readStored, BlockDigest } from './stored-content.js';

/**
 * Checks that the stored orders of a verified block are still the same: by its digest, and order by order where it differs. Those of an
 * archived block are in its file.
 */
export async function checkSettled(
  block: SettledBlock,
  operation: OrdersDocument,
  context: ReconcileContext,
): Promise<void> {
  const { findings } = context;
  findings.counts.discarded += block.discarded;
  findings.counts.skipped += block.skipped;
  for (const fault of FAULTS) {
    findings.expectedFaults[fault] += block.faults[fault];
    findings.foundFaults[fault] += block.faults[fault];
  }
  const range = context.archived.rangeOf(block);
  await (range === undefined ? checkStored(block, operation, context) : checkArchived(block, range, context));
}

async function checkStored(block: SettledBlock, operation: OrdersDocument, context: CheckContext): Promise<void> {
  const { findings } = context;
  const found = await settledDocuments(block, context);
  findings.counts.settled += block.count;
  for (const document of found.doubled) findings.addDoubled(named(document, 'another order has this number'));
  checkAdditional(found, operation, context);
  if (found.digest.equals(digestOf(block))) {
    findings.counts.saved += block.saved;
    return;
  }
  const { first, last, saved: verified, verifiedAt } = block;
  findings.addDiffering({ first, last, verified, found: found.count, verifiedAt: verifiedAt.toISOString() });
  if (operation.kind === 'populate') await compareAgain(block, operation, context);
  else addMissing(block, found, context);
}

/** An order that was discarded may be saved since, such as by a replay of the topic after its schema came back. */
function checkAdditional(
  { additional }: SettledDocuments,
  operation: OrdersDocument,
  { findings }: CheckContext,
): void {
  const isFaulty = operation.kind === 'populate' ? createFaultSelector(operation) : () => ({ instead: undefined });
  for (const { index, document } of additional) {
    const isOwn = String(readStored(document).ingest?.operationId) === operation._id;
    if (!isOwn || isFaulty(index).instead !== undefined) {
      findings.addPhantom(named(document, 'the order with this number was discarded, or saved before'));
      continue;
    }
    findings.counts.saved += 1;
    findings.counts[findings.counts.discarded > 0 ? 'discarded' : 'skipped'] -= 1;
  }
}

/** The orders of an import or an intake can't be made again: the missing ones are known by their numbers, altered ones are not. */
function addMissing(block: SettledBlock, found: SettledDocuments, { findings }: CheckContext): void {
  findings.counts.saved += block.saved - found.missing.length;
  findings.addLost(found.missing.map((place) => goneSince(block, place, null)));
}

/** Compares the orders of a populate, which are generated again, with what is stored. */
async function compareAgain(block: SettledBlock, operation: PopulateDocument, context: CheckContext): Promise<void> {
  const { db, findings, signal } = context;
  const source = orderSource(operation, db);
  const absent = new Set(unpackIndexes(block.absent));
  for (const runs of groupsOf(unpackRuns(block.runs))) {
    signal?.throwIfAborted();
    const ranges = runs.map(({ from, count }) => ({ from, to: from + count }));
    const sent = await Promise.all(ranges.map(async (range) => sentOrders(operation, source, range)));
    const expected = sent.flat().filter(({ index }) => !absent.has(index));
    const numbers = new Set(expected.map(({ order: { number } }) => number));
    const documents = (await documentsOfRuns(db, runs)).filter((each) => numbers.has(Number(readStored(each).number)));
    const { saved, missing, altered, phantoms } = compareBlock(
      expected.map(({ index, order }) => ({ index, order, isFaulty: false })),
      documents,
    );
    findings.counts.saved += saved.length;
    for (const each of altered) findings.addAltered(each);
    for (const each of phantoms) findings.addPhantom(each);
    findings.addLost(missing.map(({ index, order: { number, id } }) => goneSince(block, { index, number }, id)));
  }
}

function goneSince({ verifiedAt }: SettledBlock, { index, number }: SettledPlace, id: string | null): MissingRecord {
  const evidence = `saved when its block was verified at ${verifiedAt.toISOString()}`;
  return { index, number, id, fault: null, partition: null, offset: null, blame: 'saved-then-gone', evidence };
}

function named(document: Buffer, reason: string): { id: string; number: number; reason: string } {
  const { _id, number } = readStored(document);
  return { id: String(_id), number: Number(number), reason };
}

/** An order of a verified block. */
interface SettledPlace {
  readonly index: number;
  readonly number: number;
}

/** What is stored under the numbers of a verified block. */
interface SettledDocuments {
  readonly digest: Buffer;
  /** The number of documents that the digest covers. */
  readonly count: number;
  /** Orders that were saved, and are not stored any more. */
  readonly missing: readonly SettledPlace[];
  /** Documents under numbers that had none when the block was verified. */
  readonly additional: readonly (SettledPlace & { readonly document: Buffer })[];
  /** Documents whose number another document has too. */
  readonly doubled: readonly Buffer[];
}

/** Reads the documents of a verified block and computes their digest. */
async function settledDocuments(
  block: SettledBlock,
  { db, signal, onChecked }: CheckContext,
): Promise<SettledDocuments> {
  const digest = new BlockDigest();
  const absent = new Set(unpackIndexes(block.absent));
  const missing: SettledPlace[] = [];
  const additional: (SettledPlace & { readonly document: Buffer })[] = [];
  const doubled: Buffer[] = [];
  for (const runs of groupsOf(unpackRuns(block.runs))) {
    signal?.throwIfAborted();
    const documents = new Map<number, Buffer>();
    for (const document of await documentsOfRuns(db, runs)) {
      const number = numberIn(document);
      if (documents.has(number)) doubled.push(document);
      else documents.set(number, document);
    }
    for (const place of placesOf(runs)) {
      const document = documents.get(place.number);
      if (absent.has(place.index)) {
        if (document !== undefined) additional.push({ ...place, document });
      } else if (document === undefined) missing.push(place);
      else digest.add(document);
    }
    await onChecked?.(runs.reduce((sum, { count }) => sum + count, 0));
  }
  return { count: digest.documents, digest: digest.end(), missing, additional, doubled };
}

function* placesOf(runs: readonly NumberRun[]): Generator<SettledPlace> {
  for (const { from, first, count } of runs)
    for (let at = 0; at < count; at += 1) yield { index: from + at, number: first + at };
}

const MAX_PHANTOMS = 100;

/**
 * Counts the orders of a verified block that is archived. If the folder of the archives is given, the file must have the orders that were
 * verified when the block was stored. Orders that are stored although they are archived are phantoms, except while they are moved.
 */
async function checkArchived(
  block: SettledBlock,
  range: ArchivedRange,
  { db, findings, signal, archives, onChecked }: ReconcileContext,
): Promise<void> {
  signal?.throwIfAborted();
  findings.counts.archived += block.saved;
  if (range.state === 'archived')
    for (const phantom of await storedAgain(db, block, range)) findings.addPhantom(phantom);
  const problem = archives && (await problemOf(archives, block, range));
  if (problem !== undefined) findings.addArchiveProblem(problem);
  await onChecked?.(block.count);
}

async function problemOf(
  archives: ArchiveFolder,
  block: SettledBlock,
  range: ArchivedRange,
): Promise<string | undefined> {
  const digest = new BlockDigest();
  try {
    await verifyArchiveOf(archives, range, (documents) => {
      for (const document of documents) digest.add(document);
    });
  } catch (error) {
    if (error instanceof ArchiveError) return error.message;
    throw error;
  }
  if (digest.end().equals(digestOf(block))) return undefined;
  return `The archive ${range.archive} has other orders than those that were verified at ${block.verifiedAt.toISOString()}.`;
}

/** Returns the first orders that are stored under numbers of an archived block. */
async function storedAgain(db: Db, block: SettledBlock, { archive }: ArchivedRange): Promise<PhantomOrder[]> {
  const found: PhantomOrder[] = [];
  for (const runs of groupsOf(unpackRuns(block.runs))) {
    for (const document of await documentsOfRuns(db, runs)) {
      const { _id, number } = readStored(document);
      found.push({ id: String(_id), number: Number(number), reason: `its number is archived in ${archive}` });
    }
    if (found.length >= MAX_PHANTOMS) break;
  }
  return found;
}
