import { Injectable } from '@nestjs/common';
import { ReadinessChecks } from '#service/health.js';
import { KafkaProbe } from '#service/kafka-probe.js';
import { Mongo } from '#service/mongo.js';

@Injectable()
export class ProducerReadiness extends ReadinessChecks {
  readonly checks;

  constructor(mongo: Mongo, kafka: KafkaProbe) {
    super();
    this.checks = { mongodb: () => mongo.ping(), kafka: () => kafka.check() };
  }
}
