import { Injectable } from '@nestjs/common';
import { ReadinessChecks } from '#service/health/health.js';
import { KafkaProbe } from '#service/kafka/kafka-clients.js';
import { Mongo } from '#service/mongodb/mongo.js';

@Injectable()
export class ProducerReadiness extends ReadinessChecks {
  readonly checks;

  constructor(mongo: Mongo, kafka: KafkaProbe) {
    super();
    this.checks = { mongodb: () => mongo.ping(), kafka: () => kafka.check() };
  }
}
