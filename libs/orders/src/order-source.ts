import type { Db } from 'mongodb';
import { faultsOf, type IndexFaults } from './fault-mix.js';
import { orderGenerator } from './generator.js';
import { importedOrders } from './import-rows.js';
import { batchOf, type EmittedDocument } from './operation.js';
import type { Order } from './order.js';
import type { IndexRange } from './segments.js';

/** Gives an operation's orders of a range of indexes, the same each time they are asked for. */
export type OrderSource = (range: IndexRange) => Promise<Order[]> | Order[];

/** A populate's orders are made, an import's are read. */
export function orderSource(operation: EmittedDocument, db: Db): OrderSource {
  if (operation.kind === 'import') {
    const { _id: operationId, firstNumber } = operation;
    return async (range) => importedOrders(db, { operationId, firstNumber }, range);
  }
  const orderAt = orderGenerator(batchOf(operation));
  return ({ from, to }) => Array.from({ length: to - from }, (_, at) => orderAt(from + at));
}

/** Where an operation's faults are: a mix of them is a populate's. */
export function faultsIn(operation: EmittedDocument): (index: number) => IndexFaults {
  return operation.kind === 'populate' ? faultsOf(operation.seed, operation.faults) : faultsOf(0, null);
}
