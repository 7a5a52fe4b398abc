import { v7 as uuidv7 } from 'uuid';
import { orderGenerator } from '#orders/generator/generator.js';
import { originHeaders } from '#orders/operation/record-headers.js';
import type { OrderCodec } from '#orders/order/order-codec.js';
import type { Order } from '#orders/order/order.js';
import { ORDERS_TOPIC } from '#orders/topics/topics.js';
import type { TestedStack } from './tested-stack.js';
import { quietKafka, writeRecords } from './topic-writer.js';

const COUNT = 1_000;
/** Above all numbers that the pipelines of tests reserve. */
let firstNumber = 2 ** 40;

/** Orders of an operation that no producer knows: the spec writes their records itself. Their ids and numbers are its own. */
export class WrittenOperation {
  readonly id = uuidv7();
  /** Returns an order by its index, below 1,000. */
  readonly orderAt: (index: number) => Order;

  constructor(
    private readonly pipeline: TestedStack,
    private readonly codec: OrderCodec,
  ) {
    this.orderAt = orderGenerator({
      operationId: this.id,
      seed: 7,
      count: COUNT,
      firstNumber,
      accounts: 50,
      from: new Date('2026-01-01T00:00:00Z'),
      to: new Date('2026-01-02T00:00:00Z'),
    });
    firstNumber += COUNT;
  }

  /** Returns a valid order in the wire format, but with the id of a schema that the registry does not have. */
  withUnknownSchema(order: Order): Buffer {
    return Buffer.concat([Buffer.from([0, 0, 0, 0x7f, 0xff]), this.codec.encode(order).subarray(5)]);
  }

  /**
   * Writes a record for each index, with the headers of the operation and one more.
   * @param value returns the bytes for an order. Default: those of the order
   * @returns the offset of each
   */
  async write(
    partition: number,
    indexes: readonly number[],
    value = (order: Order, _index: number): Buffer | null => this.codec.encode(order),
  ): Promise<number[]> {
    const records = indexes.map((index) => ({
      partition,
      key: this.orderAt(index).accountId,
      value: value(this.orderAt(index), index),
      headers: { 'x-trace': `t${index}`, ...originHeaders({ operationId: this.id, index }) },
    }));
    return writeRecords(quietKafka(this.pipeline.brokers), ORDERS_TOPIC, records);
  }
}
