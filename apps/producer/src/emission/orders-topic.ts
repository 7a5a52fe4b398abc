import { Injectable } from '@nestjs/common';
import type { OrderCodec } from '#orders/order/order-codec.js';
import type { PlannedRecord } from '#orders/operation/order-source.js';
import { originHeaders } from '#orders/operation/record-headers.js';
import { ORDERS_TOPIC } from '#orders/topics/topics.js';
import type { OutgoingRecord } from '@orders-pipeline/parallel-consumer';
import type { Acknowledgement, ReliableProducer } from '@orders-pipeline/parallel-consumer/kafkajs';
import type { GatedConnection, SendGate } from '../expansion/send-gate.js';
import { faultyValue } from './faulty-value.js';

/** Receives counts of sent and acknowledged records, synchronously, for metrics. */
export interface TopicObserver {
  /** Records were passed to the Kafka client. */
  sent?(records: number): void;
  /** All in-sync replicas have the records. @param milliseconds since they were sent */
  acknowledged?(records: number, milliseconds: number): void;
}

/** Encodes orders as records and sends them to the orders topic. */
@Injectable()
export class OrdersTopic implements GatedConnection {
  private producer: ReliableProducer;

  /** @param gate all records must be made and sent within work that it lets pass */
  constructor(
    private readonly createProducer: () => ReliableProducer,
    readonly codec: OrderCodec,
    readonly gate: SendGate,
    readonly observer: TopicObserver = {},
  ) {
    this.producer = createProducer();
  }

  /** Encodes an order and its origin as a record. */
  record({ order, index, fault }: PlannedRecord, operationId: string): OutgoingRecord {
    return {
      // Chosen here, so that no retry can choose another one.
      partition: this.gate.partitionOf(order.accountId),
      key: order.accountId,
      value: fault === undefined ? this.codec.encode(order) : faultyValue(fault, index, order, this.codec),
      headers: originHeaders(fault === undefined ? { operationId, index } : { operationId, index, fault }),
    };
  }

  /** Resolves once every record is on all in-sync replicas. */
  async send(records: readonly OutgoingRecord[]): Promise<Acknowledgement[]> {
    const sentAt = performance.now();
    this.observer.sent?.(records.length);
    const acknowledged = await this.producer.send(ORDERS_TOPIC, records);
    this.observer.acknowledged?.(records.length, performance.now() - sentAt);
    return acknowledged;
  }

  async reconnect(): Promise<void> {
    const closed = this.producer;
    this.producer = this.createProducer();
    await closed.close();
  }

  /** Closes the producer. Abandons records that Kafka does not acknowledge within two seconds. */
  async close(): Promise<void> {
    await this.producer.close();
  }
}
