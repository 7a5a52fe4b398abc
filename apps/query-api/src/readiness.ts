import { Injectable } from '@nestjs/common';
import { ReadinessChecks } from '#service/health/health.js';
import { Mongo } from '#service/mongodb/mongo.js';

@Injectable()
export class QueryReadiness extends ReadinessChecks {
  readonly checks;

  constructor(mongo: Mongo) {
    super();
    this.checks = { mongodb: () => mongo.ping() };
  }
}
