import { Injectable } from '@nestjs/common';
import { ReadinessChecks } from '#service/health/health.js';
import { Mongo } from '#service/mongodb/mongo.js';

/** Checks MongoDB only. Without Kafka the console still reports what it knows and marks the rest as unknown. */
@Injectable()
export class ConsoleReadiness extends ReadinessChecks {
  readonly checks;

  constructor(mongo: Mongo) {
    super();
    this.checks = { mongodb: () => mongo.ping() };
  }
}
