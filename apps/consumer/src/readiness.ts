import { Injectable } from '@nestjs/common';
import { ReadinessChecks } from '#service/health/health.js';
import { KafkaProbe } from '#service/kafka/kafka-clients.js';
import { Mongo } from '#service/mongodb/mongo.js';
import type { ParallelConsumerStatus } from '@orders-pipeline/parallel-consumer';
import { OrdersConsumer } from './consume/orders-consumer.js';

@Injectable()
export class ConsumerReadiness extends ReadinessChecks {
  readonly checks;

  constructor(mongo: Mongo, kafka: KafkaProbe, savers: OrdersConsumer) {
    super();
    this.checks = {
      mongodb: () => mongo.ping(),
      kafka: () => kafka.check(),
      group: async () => requireReady(savers.status),
      deadLetters: async () => requireReady(savers.deadLetters),
    };
  }
}

function requireReady({ notReadyBecause }: ParallelConsumerStatus): void {
  if (notReadyBecause !== undefined) throw new Error(notReadyBecause);
}
