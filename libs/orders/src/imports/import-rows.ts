import { Long, type Collection, type Db, type UUID } from 'mongodb';
import { fromDocument, toDocument, type Ingest, type OrderDocument } from '../order/order-document.js';
import type { LegacyOrder, Order } from '../order/order.js';

/** An order of an import, ready to be published, as the generator's orders of a populate are. */
export interface ImportRow {
  /** The order's id. It is unique across all imports, so that an order is imported once. */
  readonly _id: UUID;
  readonly operationId: string;
  /** 0 to count - 1, without gaps. The order's number is the operation's first number plus `index`. */
  readonly index: number;
  /** `reading.epoch` of the claim that stored the row; a process with an earlier claim may not remove it. */
  readonly epoch: number;
  /** The file's position in the import and the row's position in the file, both from 0. */
  readonly source: { readonly file: number; readonly row: number };
  /** The stored form of the order, without its number. */
  readonly order: Omit<OrderDocument, '_id' | 'number' | 'ingest'>;
}

export function importRowsCollection(db: Db): Collection<ImportRow> {
  return db.collection<ImportRow>('importRows');
}

/** Thrown when rows of an import no longer exist, so that its orders can not be reproduced. */
export class ImportRowsMissingError extends Error {
  override readonly name = 'ImportRowsMissingError';
  readonly code = 'import-rows-gone';
}

/**
 * Reads the orders of an import from index `from` up to, but not including, `to`, in index order.
 * @throws ImportRowsMissingError when rows are missing: continuing would assign orders to wrong indexes
 */
export async function importedOrders(
  db: Db,
  { operationId, firstNumber }: { operationId: string; firstNumber: number },
  { from, to }: { from: number; to: number },
): Promise<Order[]> {
  if (from === to) return [];
  const rows = await importRowsCollection(db)
    .find({ operationId, index: { $gte: from, $lt: to } }, { readConcern: { level: 'majority' } })
    .sort({ index: 1 })
    .toArray();
  if (rows.length !== to - from)
    throw new ImportRowsMissingError(
      `import ${operationId} has ${rows.length} rows for the orders ${from} to ${to - 1}: restore \`importRows\`, or import again`,
    );
  return rows.map(({ _id, index, order }) =>
    fromDocument({ ...order, _id, number: Long.fromNumber(firstNumber + index) }),
  );
}

const NOT_INGESTED: Ingest = { operationId: null, partition: 0, offset: Long.ZERO, attempts: 0, savedAt: new Date(0) };

export function importRow(
  order: LegacyOrder,
  place: Pick<ImportRow, 'operationId' | 'index' | 'epoch' | 'source'>,
): ImportRow {
  const { _id, number: _number, ingest: _ingest, ...document } = toDocument({ ...order, number: 0 }, NOT_INGESTED);
  return { _id, ...place, order: document };
}

/** Returns the order of a row with number 0; it gets its final number when it is published. */
export function unnumberedOrder({ _id, order }: ImportRow): Order {
  return fromDocument({ ...order, _id, number: Long.ZERO });
}
