import type { ArchivedIds } from '#orders/archive/archived-ids.js';
import { type ArchivedList, type ArchivedRange, isReplay } from '#orders/archive/archived-ranges.js';
import type { OrderDocument } from '#orders/order/order-document.js';
import type { InsertOrders, InsertResult } from './bulk-insert.js';

const REPLAYED: InsertResult = { kind: 'replayed' };

/**
 * Wraps an insert so that no archived order is inserted again. A record that was processed before its order was archived is a replay, and
 * its order counts as saved. Any other record with the number or the id of an archived order is not inserted.
 *
 * The list is at most 5 s old when the insert begins, or read again first. Archiving relies on that: it removes orders only when their
 * range has been listed for longer.
 */
export function withoutArchived(
  insert: InsertOrders,
  list: Pick<ArchivedList, 'fresh' | 'isFresh' | 'isEmpty' | 'find' | 'ranges'>,
  ids: Pick<ArchivedIds, 'find'>,
): InsertOrders {
  return async (documents) => {
    let results: (InsertResult | undefined)[];
    let ranges: readonly ArchivedRange[];
    do {
      ({ ranges } = await list.fresh());
      if (list.isEmpty) return insert(documents);
      results = documents.map((document) => resultOf(document, list.find(document.number.toNumber())));
      await addById(documents, results, ids);
      // The process may have been suspended meanwhile, and the orders archived.
    } while (list.ranges !== ranges || !list.isFresh());
    const others = documents.filter((_, at) => results[at] === undefined);
    const inserted = (others.length === 0 ? [] : await insert(others)).values();
    return results.map((result) => result ?? (inserted.next().value as InsertResult));
  };
}

/** Also an order under another number may be archived: a repeated request or a repeated import has assigned it. */
async function addById(
  documents: readonly OrderDocument[],
  results: (InsertResult | undefined)[],
  ids: Pick<ArchivedIds, 'find'>,
): Promise<void> {
  const archived = await ids.find(documents.map(({ _id }) => _id.toHexString()));
  if (archived.size === 0) return;
  for (const [at, document] of documents.entries())
    results[at] ??= resultOf(document, archived.get(document._id.toHexString()));
}

function resultOf({ number, ingest }: OrderDocument, range: ArchivedRange | undefined): InsertResult | undefined {
  if (range === undefined) return undefined;
  if (isReplay(range, ingest.partition, Number(ingest.offset))) return REPLAYED;
  return {
    kind: 'archived',
    reason: `the order with number ${String(number)} or its id is in the archive ${range.archive}: bring it back, or discard this record`,
  };
}
