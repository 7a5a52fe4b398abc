import type { Db } from 'mongodb';
import { ArchiveError } from '#orders/archive/archive-error.js';
import type { ArchiveFolder } from '#orders/archive/archive-folder.js';
import type { ArchivedRange } from '#orders/archive/archived-ranges.js';
import { verifyArchiveOf } from '#orders/archive/verify-archive.js';
import { unpackRuns } from '#orders/settled/number-runs.js';
import { digestOf, type SettledBlock } from '#orders/settled/settled-blocks.js';
import { BlockDigest } from './block-digest.js';
import type { ReconcileContext } from './check-context.js';
import type { PhantomOrder } from './compare-block.js';
import { documentsOfRuns, groupsOf } from './documents-of-runs.js';
import { readStored } from './stored-content.js';

const MAX_LISTED = 100;

/**
 * Counts the orders of a settled block that is archived. If the folder of the archives is given, the file must have the orders that were
 * verified before the block was settled. Orders that are stored although they are archived are phantoms, except while they are moved.
 */
export async function checkArchived(
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
    if (found.length >= MAX_LISTED) break;
  }
  return found;
}
