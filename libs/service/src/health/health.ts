import { Controller, Get, HttpStatus, Inject, Injectable, Module, type DynamicModule } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { register, Gauge, type Registry } from 'prom-client';
import { z } from 'zod';
import { succeededWithin, systemClock } from '@orders-pipeline/clock';
import { timeLimit } from '#orders/time-limit.js';
import { NoToken } from '../auth/scope.guard.js';
import { loggedDependencyState } from '../availability/dependency-state.js';
import { Problem } from '../http/problem.js';

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
const CheckSchema = z.object({ status: z.string() }).loose().meta({ title: 'ReadinessCheck' });
const ChecksSchema = z.record(z.string(), CheckSchema);
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
  async getReadiness(): Promise<z.infer<typeof ReadinessSchema>> {
    const all = Object.entries({ ...this.readiness.checks, drain: async () => this.draining.check() });
    const results = await Promise.all(all.map(async ([name, check]) => [name, await this.try(name, check)] as const));
    const down = results.filter(([, { status }]) => status === 'down');
    const info = Object.fromEntries(results.filter(([, { status }]) => status === 'up'));
    if (down.length === 0) return { status: 'ok', info, error: {}, details: info };
    const checks = { ...info, ...Object.fromEntries(down) };
    throw new Problem(
      HttpStatus.SERVICE_UNAVAILABLE,
      'service-unavailable',
      'The service is not ready: see `checks`.',
      { checks },
    );
  }

  private async try(name: string, check: () => Promise<void>): Promise<z.infer<typeof CheckSchema>> {
    try {
      await check();
      this.passed.add(name);
      this.outages.works(name);
      return { status: 'up' };
    } catch (error) {
      const isExpected = this.draining.isActive || !this.passed.has(name);
      return { status: 'down', ...this.outages.failed(name, error, isExpected) };
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
      imports,
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
  const passes = async (name: string, check: () => Promise<void>): Promise<boolean> => {
    if (hanging.has(name)) return false;
    hanging.add(name);
    const ended = check().finally(() => hanging.delete(name));
    return succeededWithin(systemClock, timeoutMs, ended).catch(() => false);
  };
  const gauge: Gauge<'check'> = new Gauge({
    name: 'service_ready',
    help: 'By readiness check: 1 if it passed during the scrape, 0 if it failed or took longer than 2 s',
    labelNames: ['check'],
    registers: [registry],
    collect: async () => {
      await Promise.all(
        Object.entries(checks).map(async ([name, check]) => {
          gauge.set({ check: name }, Number(await passes(name, check)));
        }),
      );
    },
  });
}
