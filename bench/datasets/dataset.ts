import type { OutgoingRecord } from '@orders-pipeline/parallel-consumer';
import type { OrdersTopic } from '../../apps/producer/src/emission/orders-topic.js';

/** The default number of partitions of `orders.v1`. */
export const PARTITIONS = 12;
/** Receives poison records only. The engine requires that it exists. */
export const DEAD_LETTERS = 'bench.dead-letters';

/** The records on a topic before a contender reads it. They are always the same. */
export interface Dataset {
  /** The topic; two datasets with the same topic are the same. */
  readonly topic: string;
  readonly records: number;
  /**
   * @param orders converts orders to records, as in the producer app
   * @returns a function that makes the record with an index, 0 to `records` - 1
   */
  maker(orders: OrdersTopic): (index: number) => OutgoingRecord;
}
