import type { Fault, IndexFaults } from './fault-mix.js';
import type { Order } from './order.js';

/** One record that an operation puts on the topic. */
export interface PlannedRecord {
  readonly index: number;
  readonly order: Order;
  /** What is wrong with it on purpose. */
  readonly fault: Fault | undefined;
}

/**
 * The records of the orders from one index on, in the order in which they are sent: each order, or what stands in its place,
 * and its extra records behind it. Who emits and who checks go by this one, so that the record of an order is found by counting.
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
