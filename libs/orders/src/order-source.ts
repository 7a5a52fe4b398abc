import type { Db } from 'mongodb';
import { orderGenerator } from '#orders/generator.js';
import { importedOrders } from '#orders/import-rows.js';
import { batchOf, type OperationDocument } from '#orders/operation.js';
import type { Order } from '#orders/order.js';
import type { IndexRange } from '#orders/segments.js';

/** Gives an operation's orders of a range of indexes, the same each time they are asked for. */
export type OrderSource = (range: IndexRange) => Promise<Order[]> | Order[];

/** A populate's orders are made, an import's are read. */
export function orderSource(operation: OperationDocument, db: Db): OrderSource {
  if (operation.kind === 'import') {
    const { _id: operationId, firstNumber } = operation;
    return async (range) => importedOrders(db, { operationId, firstNumber }, range);
  }
  const orderAt = orderGenerator(batchOf(operation));
  return ({ from, to }) => Array.from({ length: to - from }, (_, at) => orderAt(from + at));
}
