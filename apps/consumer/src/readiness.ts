import { Injectable } from '@nestjs/common';
import { ReadinessChecks } from '#service/health.js';
import { KafkaProbe } from '#service/kafka-probe.js';
import { Mongo } from '#service/mongo.js';
import { OrdersSavers } from './orders-savers.js';

@Injectable()
export class ConsumerReadiness extends ReadinessChecks {
  readonly checks;

  constructor(mongo: Mongo, kafka: KafkaProbe, savers: OrdersSavers) {
    super();
    this.checks = {
      mongodb: () => mongo.ping(),
      kafka: () => kafka.check(),
      group: async () => {
        const { notReadyBecause } = savers.status;
        if (notReadyBecause !== undefined) throw new Error(notReadyBecause);
      },
    };
  }
}
