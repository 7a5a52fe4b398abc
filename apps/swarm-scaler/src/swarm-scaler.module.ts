import { createHash, timingSafeEqual } from 'node:crypto';
import {
  HttpStatus,
  type CanActivate,
  type ExecutionContext,
  Body,
  Controller,
  Get,
  Put,
  Injectable,
  Module,
  type DynamicModule,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { Reflector, APP_GUARD } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { bearerToken } from '#service/auth/authenticate.js';
import { NoToken } from '#service/auth/scope.guard.js';
import { Problem } from '#service/http/problem.js';
import { ReadinessChecks, HealthModule } from '#service/health/health.js';
import { MetricsModule } from '#service/health/metrics.js';
import { createLogger, logsModule } from '#service/process/logs.js';
import { ScaledService, type Replicas, DockerEngine } from './scaled-service.js';
import type { ScalerSettings } from './settings.js';

/** Admits requests that bear the one token, and those for health and metrics. */
class TokenGuard implements CanActivate {
  private readonly expected: Buffer;
  private readonly reflector = new Reflector();

  constructor(token: string) {
    this.expected = digestOf(token);
  }

  canActivate(context: ExecutionContext): true {
    if (this.reflector.getAllAndOverride(NoToken, [context.getHandler(), context.getClass()])) return true;
    const given = bearerToken(context.switchToHttp().getRequest<FastifyRequest>().raw.rawHeaders);
    if (given !== undefined && 'token' in given && timingSafeEqual(digestOf(given.token), this.expected)) return true;
    throw new Problem(
      HttpStatus.UNAUTHORIZED,
      'unauthorized',
      'The bearer token of SCALER_TOKEN is required.',
      {},
      { 'WWW-Authenticate': 'Bearer realm="swarm-scaler"' },
    );
  }
}

/** Digests have the same length, so that a comparison takes the same time for every token. */
function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

const WantedSchema = z.strictObject({ replicas: z.int().min(0) }).meta({ title: 'WantedReplicas' });
type Wanted = z.infer<typeof WantedSchema>;

/** Reads and sets the number of consumers. */
@Controller('consumers/replicas')
class ReplicasController {
  constructor(private readonly consumers: ScaledService) {}

  @Get()
  async read(): Promise<Replicas> {
    return this.consumers.read();
  }

  @Put()
  async scale(@Body({ schema: WantedSchema }) { replicas }: Wanted): Promise<Replicas> {
    return this.consumers.scale(replicas);
  }
}

@Injectable()
class ScalerReadiness extends ReadinessChecks {
  readonly checks;

  constructor(consumers: ScaledService) {
    super();
    this.checks = { service: async () => consumers.check() };
  }
}

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
