import { FAULTS } from '#orders/operation/fault-mix.js';
import type { OrdersDocument, PopulateDocument } from '#orders/operation/operation.js';
import { createFaultSelector, orderSource } from '#orders/operation/order-source.js';
import { unpackIndexes, unpackRuns } from '#orders/settled/number-runs.js';
import { digestOf, type SettledBlock } from '#orders/settled/settled-blocks.js';
import { checkArchived } from './check-archived.js';
import type { CheckContext, ReconcileContext } from './check-context.js';
import { compareBlock } from './compare-block.js';
import { sentOrders } from './compare-emitted.js';
import { documentsOfRuns, groupsOf } from './documents-of-runs.js';
import type { MissingRecord } from './report.js';
import { settledDocuments, type SettledDocuments, type SettledPlace } from './settled-documents.js';
import { readStored } from './stored-content.js';

/**
 * Checks that the orders of a settled block are those that were verified: by its digest, and order by order where it differs. Those of an
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
function addMissing(block: SettledBlock, found: SettledDocuments, { findings, missing }: CheckContext): void {
  findings.counts.saved += block.saved - found.missing.length;
  missing.addLost(found.missing.map((place) => goneSince(block, place, null)));
}

/** Compares the orders of a populate, which are generated again, with what is stored. */
async function compareAgain(block: SettledBlock, operation: PopulateDocument, context: CheckContext): Promise<void> {
  const { db, findings, missing: lost, signal } = context;
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
    lost.addLost(missing.map(({ index, order: { number, id } }) => goneSince(block, { index, number }, id)));
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
