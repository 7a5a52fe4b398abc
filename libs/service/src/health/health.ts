import { Controller, Get, Inject, Injectable, Module, type DynamicModule } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import {
  HealthCheckService,
  HealthIndicatorService,
  TerminusModule,
  type HealthCheckResult,
  type HealthIndicatorResult,
} from '@nestjs/terminus';
import { register } from 'prom-client';
import { z } from 'zod';
import { NoToken } from '../auth/scope.guard.js';
import { explainConnection } from '../process/explain-connection.js';
import { exposeReadiness } from './readiness-gauge.js';

/** The readiness checks by name. Every readiness request runs all of them; results are not cached. */
@Injectable()
export abstract class ReadinessChecks {
  /** A check that throws is reported as down, with the line of `explainConnection`, else the error's message. */
  abstract readonly checks: Readonly<Record<string, () => Promise<void>>>;
}

const LivenessSchema = z.object({ status: z.literal('ok') }).meta({ title: 'Liveness' });
const ChecksSchema = z.record(z.string(), z.object({ status: z.string() }).loose().meta({ title: 'ReadinessCheck' }));
/** The result of `@nestjs/terminus`. */
const ReadinessSchema = z
  .object({ status: z.string(), info: ChecksSchema, error: ChecksSchema, details: ChecksSchema })
  .partial({ info: true, error: true })
  .meta({ title: 'Readiness' });

/** Health endpoints for supervisors: `live` reports that the process runs, `ready` that its dependencies are available. */
@ApiTags('health')
@NoToken(true)
@Controller('health')
export class HealthController {
  constructor(
    @Inject(HealthCheckService) private readonly health: HealthCheckService,
    @Inject(HealthIndicatorService) private readonly indicators: HealthIndicatorService,
    @Inject(ReadinessChecks) private readonly readiness: ReadinessChecks,
  ) {}

  @Get('live')
  @ApiOperation({ summary: 'Whether the process runs' })
  @ApiOkResponse({ standardSchema: LivenessSchema })
  getLiveness(): z.infer<typeof LivenessSchema> {
    return { status: 'ok' };
  }

  @Get('ready')
  @ApiOperation({ summary: 'Whether the service is ready: checks each dependency' })
  @ApiOkResponse({ standardSchema: ReadinessSchema })
  async getReadiness(): Promise<HealthCheckResult> {
    const names = Object.keys(this.readiness.checks);
    return this.health.check(names.map((name) => () => this.try(name)));
  }

  private async try(name: string): Promise<HealthIndicatorResult> {
    const indicator = this.indicators.check(name);
    try {
      await this.readiness.checks[name]?.();
      return indicator.up();
    } catch (error) {
      const reason = explainConnection(error) ?? (error instanceof Error ? error.message : String(error));
      return indicator.down({ reason });
    }
  }
}

@Module({})
export class HealthModule {
  constructor(@Inject(ReadinessChecks) readiness: ReadinessChecks) {
    exposeReadiness(readiness.checks, register);
  }

  /** @param checks a class that extends `ReadinessChecks`, and the modules that it needs */
  static with(
    checks: new (...parts: never[]) => ReadinessChecks,
    imports: DynamicModule['imports'] = [],
  ): DynamicModule {
    return {
      module: HealthModule,
      imports: [TerminusModule.forRoot({ logger: false }), ...imports],
      controllers: [HealthController],
      providers: [{ provide: ReadinessChecks, useClass: checks }],
    };
  }
}
