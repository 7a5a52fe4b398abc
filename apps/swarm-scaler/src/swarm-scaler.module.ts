import { Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { HealthModule } from '#service/health/health.js';
import { MetricsModule } from '#service/health/metrics.js';
import { createLogger, logsModule } from '#service/process/logs.js';
import { DockerEngine } from './docker-engine.js';
import { ScalerReadiness } from './readiness.js';
import { ReplicasController } from './replicas.controller.js';
import { ScaledService } from './scaled-service.js';
import type { ScalerSettings } from './settings.js';
import { TokenGuard } from './token.guard.js';

@Module({})
class ScaledServiceModule {}

/** The small process that holds Docker's socket, so that the console need not. */
@Module({})
export class SwarmScalerModule implements OnApplicationShutdown {
  constructor(private readonly engine: DockerEngine) {}

  static with(settings: ScalerSettings): DynamicModule {
    const engine = new DockerEngine(settings.DOCKER_SOCKET);
    const { SCALER_SERVICE: name, SCALER_MIN: min, SCALER_MAX: max } = settings;
    const service: DynamicModule = {
      module: ScaledServiceModule,
      providers: [{ provide: ScaledService, useValue: new ScaledService(engine, { name, min, max }) }],
      exports: [ScaledService],
    };
    return {
      module: SwarmScalerModule,
      imports: [
        logsModule(createLogger('swarm-scaler', settings.LOG_LEVEL)),
        MetricsModule,
        service,
        HealthModule.with(ScalerReadiness, [service]),
      ],
      controllers: [ReplicasController],
      providers: [
        { provide: DockerEngine, useValue: engine },
        { provide: APP_GUARD, useValue: new TokenGuard(settings.SCALER_TOKEN) },
      ],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.engine.close();
  }
}
