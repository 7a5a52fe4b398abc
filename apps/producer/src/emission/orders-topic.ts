import { Injectable } from '@nestjs/common';
import type { OrderCodec } from '#orders/order-codec.js';
import type { Order } from '#orders/order.js';
import { originHeaders } from '#orders/record-headers.js';
import { ORDERS_TOPIC } from '#orders/topics.js';
import type { OutgoingRecord } from '#parallel-consumer/record.js';
import { Partitioners } from '#parallel-consumer/kafka/kafkajs.js';
import type { Acknowledgement, ReliableProducer } from '#parallel-consumer/kafka/reliable-producer.js';

/** The topic as the producer sees it: orders go in, acknowledgements come back. */
@Injectable()
export class OrdersTopic {
  private readonly choosePartition: (accountId: string) => number;

  constructor(
    private readonly producer: ReliableProducer,
    private readonly codec: OrderCodec,
    partitions: number,
  ) {
    this.choosePartition = javaCompatiblePartitioner(partitions);
  }

  /** Order and origin as a record ready to send. Its partition is chosen here, so that no retry can choose another. */
  record(order: Order, operationId: string, index: number): OutgoingRecord {
    return {
      partition: this.choosePartition(order.accountId),
      key: order.accountId,
      value: this.codec.encode(order),
      headers: originHeaders({ operationId, index }),
    };
  }

  /** Resolves once every record is on all in-sync replicas. */
  async send(records: readonly OutgoingRecord[]): Promise<Acknowledgement[]> {
    return this.producer.send(ORDERS_TOPIC, records);
  }

  /** Gives up what Kafka doesn't acknowledge within two seconds. */
  async close(): Promise<void> {
    await this.producer.close();
  }
}

/** The partition that any Kafka client gives the key (murmur2), so that other producers keep an account's order too. */
function javaCompatiblePartitioner(partitions: number): (key: string) => number {
  const partition = Partitioners.DefaultPartitioner();
  const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({
    partitionId,
    leader: 0,
    partitionErrorCode: 0,
    replicas: [],
    isr: [],
  }));
  return (key) => partition({ topic: ORDERS_TOPIC, partitionMetadata, message: { key, value: null } });
}
