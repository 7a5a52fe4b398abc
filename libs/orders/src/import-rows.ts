import { Long, type Collection, type Db, type UUID } from 'mongodb';
import type { LegacyOrder } from './legacy-order.js';
import { fromDocument, toDocument, type Ingest, type OrderDocument } from './order-document.js';
import type { Order } from './order.js';

/** An order of an import as it will be emitted: what the generator is to a populate, these are to an import. */
export interface ImportRow {
  /** The order's own id. Unique over all imports: an order comes in once. */
  readonly _id: UUID;
  readonly operationId: string;
  /** 0 to count - 1, without a gap; the order's number is the operation's first number and this. */
  readonly index: number;
  /** Which claim of the import stored it, as `reading.epoch` counts them: an earlier holder may not remove it. */
  readonly epoch: number;
  /** Where it stood: the file's place in the import, and the row's in the file, both from 0. */
  readonly source: { readonly file: number; readonly row: number };
  /** The order as MongoDB will hold it, but for its number. */
  readonly order: Omit<OrderDocument, '_id' | 'number' | 'ingest'>;
}

export function importRowsCollection(db: Db): Collection<ImportRow> {
  return db.collection<ImportRow>('importRows');
}

export async function ensureImportRowIndexes(db: Db): Promise<void> {
  await importRowsCollection(db).createIndexes([
    { name: 'operationId_index', key: { operationId: 1, index: 1 }, unique: true },
  ]);
}

/** Rows of an import are gone, so its orders can no longer be told. */
export class ImportRowsGoneError extends Error {
  override readonly name = 'ImportRowsGoneError';
  readonly code = 'import-rows-gone';
}

/**
 * Orders of an import, from an index up to, but not including, another one, in order.
 * @throws ImportRowsGoneError when there is not a row for each index: who goes on would give orders to wrong indexes
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
    throw new ImportRowsGoneError(
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

/** The order of a row, under number 0: it gets its own when it is emitted. */
export function unnumberedOrder({ _id, order }: ImportRow): Order {
  return fromDocument({ ...order, _id, number: Long.ZERO });
}
