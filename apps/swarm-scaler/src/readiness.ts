import { Injectable } from '@nestjs/common';
import { ReadinessChecks } from '#service/health/health.js';
import { ScaledService } from './scaled-service.js';

@Injectable()
export class ScalerReadiness extends ReadinessChecks {
  readonly checks;

  constructor(consumers: ScaledService) {
    super();
    this.checks = { service: async () => consumers.check() };
  }
}
