import type { Db } from 'mongodb';
import { locateFaults, type IndexFaults, type Fault } from '../generator/fault-mix.js';
import { orderGenerator } from '../generator/generator.js';
import { importedOrders } from '../imports/import-rows.js';
import type { Order } from '../order/order.js';
import { populateInputOf, type SegmentedDocument, type IndexRange } from './operation.js';

/** Returns an operation's orders of an index range; every call returns the same orders. */
export type OrderSource = (range: IndexRange) => Promise<Order[]> | Order[];

/** Creates the source of an operation: a populate generates its orders, an import reads them from MongoDB. */
export function orderSource(operation: SegmentedDocument, db: Db): OrderSource {
  if (operation.kind === 'import') {
    const { _id: operationId, firstNumber } = operation;
    return async (range) => importedOrders(db, { operationId, firstNumber }, range);
  }
  const orderAt = orderGenerator(populateInputOf(operation));
  return ({ from, to }) => Array.from({ length: to - from }, (_, at) => orderAt(from + at));
}

/** Locates an operation's injected faults; only a populate has a fault mix. */
export function createFaultSelector(operation: SegmentedDocument): (index: number) => IndexFaults {
  return operation.kind === 'populate' ? locateFaults(operation.seed, operation.faults) : locateFaults(0, null);
}

/** One record that an operation sends to the topic. */
export interface PlannedRecord {
  readonly index: number;
  readonly order: Order;
  /** The injected fault, if any. */
  readonly fault: Fault | undefined;
}

/**
 * Lists the records of consecutive orders from index `from` on, in send order: each order, or the fault that replaces it,
 * followed by its extra records. The producer and the verifier share this function, so that the verifier can find an
 * order's record by counting.
 */
export function plannedRecords(
  orders: readonly Order[],
  from: number,
  faultsAt: (index: number) => IndexFaults,
): PlannedRecord[] {
  const records: PlannedRecord[] = [];
  for (const [at, order] of orders.entries()) {
    const index = from + at;
    const { instead, extras } = faultsAt(index);
    records.push({ index, order, fault: instead });
    for (const fault of extras) records.push({ index, order, fault });
  }
  return records;
}
