import { totalmem } from 'node:os';
import { Controller, Get, Header, Module } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { collectDefaultMetrics, register } from 'prom-client';
import { NoToken } from '../auth/scope.guard.js';
import { exposeMemoryLimits } from './memory-limits.js';

/** Serves the process's metrics in Prometheus's text format. */
@ApiExcludeController()
@NoToken(true)
@Controller('metrics')
export class MetricsController {
  @Get()
  @Header('Content-Type', register.contentType)
  async metrics(): Promise<string> {
    return register.metrics();
  }
}

@Module({ controllers: [MetricsController] })
export class MetricsModule {
  constructor() {
    if (register.getSingleMetric('process_cpu_seconds_total') !== undefined) return;
    collectDefaultMetrics();
    const constrainedBytes = process.constrainedMemory();
    exposeMemoryLimits({ execArgv: process.execArgv, constrainedBytes, machineBytes: totalmem() }, register);
  }
}
