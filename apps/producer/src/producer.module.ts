import { Module } from '@nestjs/common';
import { HealthModule } from '#service/health/health.js';
import { logsModule } from '#service/process/logs.js';
import { MetricsModule } from '#service/health/metrics.js';
import { CompactionModule } from './compaction/compaction.module.js';
import { ConnectionsModule, logger } from './connections.module.js';
import { DeadLettersModule } from './dead-letters/dead-letters.module.js';
import { EmissionModule } from './emission/emission.module.js';
import { ExpansionModule } from './expansion/expansion.module.js';
import { ImportsModule } from './imports/imports.module.js';
import { IntakeModule } from './intake/intake.module.js';
import { OperationsModule } from './operations/operations.module.js';
import { ProducerReadiness } from './readiness.js';
import { ReconcileModule } from './reconcile/reconcile.module.js';
import { RedriveModule } from './redrive/redrive.module.js';

@Module({
  imports: [
    logsModule(logger),
    MetricsModule,
    OperationsModule,
    EmissionModule,
    ImportsModule,
    IntakeModule,
    ReconcileModule,
    DeadLettersModule,
    RedriveModule,
    ExpansionModule,
    CompactionModule,
    // Last, as in the OpenAPI document, which lists the routes in the order of the modules.
    HealthModule.with(ProducerReadiness, [ConnectionsModule]),
  ],
})
export class ProducerModule {}
