import { Injectable } from '@nestjs/common';
import { ReadinessChecks } from '#service/health.js';
import { Mongo } from '#service/mongo.js';

/** Not of Kafka: with it away the console still tells what it knows, and that the rest is unknown. */
@Injectable()
export class ConsoleReadiness extends ReadinessChecks {
  readonly checks;

  constructor(mongo: Mongo) {
    super();
    this.checks = { mongodb: () => mongo.ping() };
  }
}
