import { Module } from '@nestjs/common';
import { register } from 'prom-client';
import { systemClock } from '@orders-pipeline/clock';
import { OrderCodec } from '#orders/order/order-codec.js';
import { KafkaPositions } from '#service/kafka/kafka-positions.js';
import { BackgroundModule } from '../background/background.module.js';
import { client, ConnectionsModule } from '../connections.module.js';
import { SendGate } from '../expansion/send-gate.js';
import { settings } from '../settings.js';
import { EmissionJob, exposeEmission } from './emission-job.js';
import { consumerLag, LagCeiling } from './emission.js';
import { measureTopic, OrdersTopic } from './orders-topic.js';
import { SegmentLeases } from './segment-leases.js';

function connectTopic(gate: SendGate, codec: OrderCodec): OrdersTopic {
  const topic = new OrdersTopic(() => client.producer(), codec, gate, measureTopic(register));
  gate.attach(topic);
  return topic;
}

function createLagCeiling(positions: KafkaPositions): LagCeiling {
  return new LagCeiling(settings.LAG_CEILING, async () => consumerLag(positions), systemClock);
}

/** Emits the orders of operations to Kafka. */
@Module({
  imports: [ConnectionsModule, BackgroundModule],
  providers: [
    { provide: OrdersTopic, useFactory: connectTopic, inject: [SendGate, OrderCodec] },
    { provide: LagCeiling, useFactory: createLagCeiling, inject: [KafkaPositions] },
    SegmentLeases,
    EmissionJob,
  ],
  exports: [OrdersTopic],
})
export class EmissionModule {
  constructor(job: EmissionJob) {
    exposeEmission(job, settings.LAG_CEILING, register);
  }
}
