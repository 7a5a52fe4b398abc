import type { OrderCodec } from '#orders/order/order-codec.js';
import type { OutgoingRecord } from '@orders-pipeline/parallel-consumer';
import type { Acknowledgement, ReliableProducer } from '@orders-pipeline/parallel-consumer/kafkajs';
import { OrdersTopic } from '../../apps/producer/src/emission/orders-topic.js';
import { SendGate } from '../../apps/producer/src/expansion/send-gate.js';
import { PARTITIONS } from '../datasets/dataset.js';
import type { Meter } from './meter.js';

/** The producer app's topic; reports acknowledged records to the meter. */
export class MeteredTopic extends OrdersTopic {
  constructor(
    producer: ReliableProducer,
    codec: OrderCodec,
    private readonly meter: Meter,
  ) {
    super(() => producer, codec, new SendGate(PARTITIONS));
  }

  override async send(records: readonly OutgoingRecord[]): Promise<Acknowledgement[]> {
    this.meter.begin();
    const acknowledged = await super.send(records);
    this.meter.finished(records.length);
    return acknowledged;
  }
}
