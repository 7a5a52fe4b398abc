import type { RecordOrigin } from '#orders/operation/record-headers.js';
import { originHeaders } from '#orders/operation/record-headers.js';
import type { Order } from '#orders/order/order.js';
import type { OutgoingRecord } from '@orders-pipeline/parallel-consumer';
import { OrdersTopic } from '../emission/orders-topic.js';

/** The orders topic over a producer of its own, so that the chunks of operations don't delay single orders. */
export class IntakeTopic extends OrdersTopic {
  /** Encodes an order and its origin as a record. */
  intakeRecord(
    order: Order,
    { operationId, index, createdAtAssigned }: Omit<RecordOrigin, 'createdAtAssigned'> & { createdAtAssigned: boolean },
  ): OutgoingRecord {
    return {
      partition: this.gate.partitionOf(order.accountId),
      key: order.accountId,
      value: this.codec.encode(order),
      headers: originHeaders({ operationId, index, ...(createdAtAssigned && { createdAtAssigned }) }),
    };
  }

  /** Decodes a value that `intakeRecord` has encoded, maybe in another version. @throws when the registry is unavailable */
  async decode(value: Buffer): Promise<Order> {
    await this.codec.learn(value);
    return this.codec.read(value);
  }
}
