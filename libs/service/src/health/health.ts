import { setTimeout as sleep } from 'node:timers/promises';
import { Controller, Get, Inject, Injectable, Module, type DynamicModule } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import {
  HealthCheckService,
  HealthIndicatorService,
  TerminusModule,
  type HealthCheckResult,
  type HealthIndicatorResult,
} from '@nestjs/terminus';
import { register, Gauge, type Registry } from 'prom-client';
import { z } from 'zod';
import { timeLimit } from '#orders/time-limit.js';
import { NoToken } from '../auth/scope.guard.js';
import { loggedDependencyState } from '../availability/dependency-state.js';

/** Whether the process is about to end: a balancer must send it no more requests. */
@Injectable()
export class Draining {
  private hasBegun = false;

  begin(): void {
    this.hasBegun = true;
  }

  get isActive(): boolean {
    return this.hasBegun;
  }

  /** @throws while the process drains */
  check(): void {
    if (this.hasBegun) throw new Error('the process is draining');
  }
}

/** The readiness checks by name. Every readiness request runs all of them; results are not cached. */
@Injectable()
export abstract class ReadinessChecks {
  /** A check that throws is reported as down, with the line of `explainConnection`, else the error's message, and since when. */
  abstract readonly checks: Record<string, () => Promise<void>>;

  /** Adds a check of something that is not a provider. */
  add(name: string, check: () => Promise<void>): void {
    this.checks[name] = check;
  }
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
class HealthController {
  private readonly outages = loggedDependencyState('health');
  /** The checks that have passed once. */
  private readonly passed = new Set<string>();

  constructor(
    @Inject(HealthCheckService) private readonly health: HealthCheckService,
    @Inject(HealthIndicatorService) private readonly indicators: HealthIndicatorService,
    @Inject(ReadinessChecks) private readonly readiness: ReadinessChecks,
    @Inject(Draining) private readonly draining: Draining,
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
    const checks = Object.entries({ ...this.readiness.checks, drain: async () => this.draining.check() });
    return this.health.check(
      checks.map(
        ([name, check]) =>
          () =>
            this.try(name, check),
      ),
    );
  }

  private async try(name: string, check: () => Promise<void>): Promise<HealthIndicatorResult> {
    const indicator = this.indicators.check(name);
    try {
      await check();
      this.passed.add(name);
      this.outages.works(name);
      return indicator.up();
    } catch (error) {
      const isExpected = this.draining.isActive || !this.passed.has(name);
      return indicator.down({ ...this.outages.failed(name, error, isExpected) });
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
      providers: [{ provide: ReadinessChecks, useClass: checks }, Draining],
    };
  }
}

/** Far below the scrape time-out of Prometheus, 10 s. */
const TIMEOUT_MS = timeLimit(2_000);

/**
 * Exposes for each readiness check whether it passes. Every scrape runs all checks concurrently, as `/health/ready` does, and
 * waits at most `timeoutMs`. A hanging check counts as down and is not repeated before it has ended.
 */
export function exposeReadiness(
  checks: Readonly<Record<string, () => Promise<void>>>,
  registry: Registry,
  timeoutMs = TIMEOUT_MS,
): void {
  const hanging = new Set<string>();
  const tryOne = async (name: string, check: () => Promise<void>): Promise<boolean> => {
    if (hanging.has(name)) return false;
    hanging.add(name);
    const passes = check()
      .then(
        () => true,
        () => false,
      )
      .finally(() => hanging.delete(name));
    return within(timeoutMs, passes);
  };
  const gauge: Gauge<'check'> = new Gauge({
    name: 'service_ready',
    help: 'By readiness check: 1 if it passed during the scrape, 0 if it failed or took longer than 2 s',
    labelNames: ['check'],
    registers: [registry],
    collect: async () => {
      await Promise.all(
        Object.entries(checks).map(async ([name, check]) => {
          gauge.set({ check: name }, Number(await tryOne(name, check)));
        }),
      );
    },
  });
}

async function within(milliseconds: number, passes: Promise<boolean>): Promise<boolean> {
  const timer = new AbortController();
  const timeout = sleep(milliseconds, false, { signal: timer.signal }).catch(() => false);
  try {
    return await Promise.race([passes, timeout]);
  } finally {
    timer.abort();
  }
}
