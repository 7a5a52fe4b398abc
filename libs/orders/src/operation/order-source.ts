import type { Db } from 'mongodb';
import { locateFaults, type IndexFaults } from './fault-mix.js';
import { orderGenerator } from '../generator/generator.js';
import { importedOrders } from './import-rows.js';
import { batchOf, type EmittedDocument } from './operation.js';
import type { Order } from '../order/order.js';
import type { IndexRange } from './segments.js';

/** Returns an operation's orders of an index range; every call returns the same orders. */
export type OrderSource = (range: IndexRange) => Promise<Order[]> | Order[];

/** Creates the source of an operation: a populate generates its orders, an import reads them from MongoDB. */
export function orderSource(operation: EmittedDocument, db: Db): OrderSource {
  if (operation.kind === 'import') {
    const { _id: operationId, firstNumber } = operation;
    return async (range) => importedOrders(db, { operationId, firstNumber }, range);
  }
  const orderAt = orderGenerator(batchOf(operation));
  return ({ from, to }) => Array.from({ length: to - from }, (_, at) => orderAt(from + at));
}

/** Locates an operation's injected faults; only a populate has a fault mix. */
export function createFaultSelector(operation: EmittedDocument): (index: number) => IndexFaults {
  return operation.kind === 'populate' ? locateFaults(operation.seed, operation.faults) : locateFaults(0, null);
}
