import type { EmittedDocument } from '#orders/operation/operation.js';
import { ImportRowsMissingError } from '#orders/operation/import-rows.js';
import { orderSource } from '#orders/operation/order-source.js';
import { ackedOrders } from '#orders/operation/segments.js';
import { ackedBlocks, type AckedBlock } from '#orders/settled/acked-blocks.js';
import { findSettledBlock } from '#orders/settled/settled-blocks.js';
import type { Block } from './check-block.js';
import { addFindings, isClean, withOwnFindings, type CheckContext, type ReconcileContext } from './check-context.js';
import { checkSettled } from './check-settled.js';
import { compareBlock } from './compare-block.js';
import { compareEmitted, partsOf, sentOrders } from './compare-emitted.js';
import type { Findings } from './findings.js';
import { readStored } from './stored-content.js';
import { StoredOrders } from './stored-orders.js';

/** Checks the orders of an operation that emits a known sequence of orders. @returns the number of acknowledged ones */
export async function checkEmitted(operation: EmittedDocument, context: ReconcileContext): Promise<number> {
  for (const block of ackedBlocks(operation.segments)) await checkAcknowledged(operation, block, context);
  await checkUnacknowledged(operation, context);
  return ackedOrders(operation.segments);
}

/** Checks a block by its digest if it is settled, and otherwise order by order. */
async function checkAcknowledged(
  operation: EmittedDocument,
  { from, ranges }: AckedBlock,
  context: ReconcileContext,
): Promise<void> {
  const settled = await findSettledBlock(context.db, operation._id, from);
  if (settled !== null) return checkSettled(settled, operation, context);
  const own = withOwnFindings(context, operation);
  const failure = await compareEmitted(operation, ranges, own).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (failure !== undefined && !(failure instanceof ImportRowsMissingError)) throw failure;
  if (failure !== undefined || !isClean(own)) {
    // The block may have been settled meanwhile: then its chunks and rows are removed.
    const now = await findSettledBlock(context.db, operation._id, from);
    if (now !== null) return checkSettled(now, operation, context);
  }
  if (failure !== undefined) throw failure;
  addFindings(context, own);
}

/** Checks the unacknowledged range: orders that were sent without an acknowledgement may be saved; others are phantoms. */
async function checkUnacknowledged(operation: EmittedDocument, { db, findings, signal }: CheckContext): Promise<void> {
  const stored = new StoredOrders(db, operation);
  const source = orderSource(operation, db);
  const rest = operation.segments.map(({ ackedTo, to }) => ({ from: ackedTo, to })).filter(({ from, to }) => from < to);
  for (const open of rest) {
    if ((await stored.count(open)) === 0) continue;
    for (const range of partsOf([open])) {
      signal?.throwIfAborted();
      const documents = await stored.documents(range);
      if (operation.kind === 'import') checkOrigins(documents, operation, findings);
      else checkUnsent(await sentOrders(operation, source, range), documents, findings);
    }
  }
}

/** Checks documents of orders that were not acknowledged: they may be on the topic. */
export function checkUnsent(orders: Block['orders'], documents: readonly Buffer[], findings: Findings): void {
  const expected = orders.map((each) => ({ ...each, isFaulty: false }));
  const { saved, altered, phantoms, doubled } = compareBlock(expected, documents);
  findings.counts.savedUnacknowledged += saved.length;
  for (const each of altered) findings.addAltered(each, false);
  for (const each of [...phantoms, ...doubled]) findings.addPhantom(each);
}

/** Checks documents by `ingest` alone: a later import may have taken over the rows of a cancelled one. */
function checkOrigins(documents: readonly Buffer[], { _id }: EmittedDocument, findings: Findings): void {
  for (const document of documents) {
    const { _id: id, number, ingest } = readStored(document);
    if (String(ingest?.operationId) === _id) findings.counts.savedUnacknowledged += 1;
    else findings.addPhantom({ id: String(id), number: Number(number), reason: 'it belongs to no import' });
  }
}
