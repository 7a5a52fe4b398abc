import type { OutgoingRecord } from '#parallel-consumer/record.js';
import type { OrdersTopic } from '../../apps/producer/src/emission/orders-topic.js';

/** As many as `orders.v1` has by default. */
export const PARTITIONS = 12;
/** Only poison comes there. The engine wants it to be there. */
export const DEAD_LETTERS = 'bench.dead-letters';

/** What stands on a topic before any contender reads it. Always the same, record by record. */
export interface Dataset {
  /** The topic; two datasets of one name are the same. */
  readonly topic: string;
  readonly records: number;
  /** @returns what makes the record with an index, 0 to `records` - 1. @param orders makes orders into records, as the producer app does */
  maker(orders: OrdersTopic): (index: number) => OutgoingRecord;
}
