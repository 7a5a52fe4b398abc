import type { Fault, IndexFaults } from './fault-mix.js';
import type { Order } from '../order/order.js';

/** One record that an operation sends to the topic. */
export interface PlannedRecord {
  readonly index: number;
  readonly order: Order;
  /** The injected fault, if any. */
  readonly fault: Fault | undefined;
}

/**
 * Lists the records of consecutive orders from index `from` on, in send order: each order, or the fault that replaces it,
 * followed by its extra records. The emission and the verifier share this function, so that the verifier can find an
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
