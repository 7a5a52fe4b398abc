import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { NestFactory } from '@nestjs/core';
import { afterAll, beforeAll, describe, expect, it, beforeEach } from '@jest/globals';
import { HttpStatus } from '@nestjs/common';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { ProblemFilter } from '#service/http/problem-filter.js';
import { Problem } from '#service/http/problem.js';
import { readSettings } from './settings.js';
import { SwarmScalerModule } from './swarm-scaler.module.js';
import { ScaledService } from './scaled-service.js';

const SCALER_TOKEN = 'a-token-of-more-than-thirty-two-characters';

describe('the scaler without a Docker engine', () => {
  let app: NestFastifyApplication;

  beforeAll(async () => {
    const settings = readSettings({ SCALER_TOKEN, DOCKER_SOCKET: '/nonexistent/docker.sock', LOG_LEVEL: 'silent' });
    app = await NestFactory.create<NestFastifyApplication>(SwarmScalerModule.with(settings), new FastifyAdapter(), {
      logger: false,
    });
    app.useGlobalFilters(new ProblemFilter());
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
  });

  afterAll(async () => app.close());

  async function get(url: string, authorization = ''): Promise<[status: number, code: string | undefined]> {
    const { statusCode, body } = await app.inject({ url, ...(authorization !== '' && { headers: { authorization } }) });
    return [statusCode, /"code":"([^"]+)"/.exec(body)?.[1]];
  }

  it.each([
    ['/consumers/replicas', '', 401, 'unauthorized'],
    ['/consumers/replicas', 'Bearer another-token-of-more-than-thirty-two-characters', 401, 'unauthorized'],
    ['/consumers/replicas', `Basic ${SCALER_TOKEN}`, 401, 'unauthorized'],
    ['/consumers/replicas', `Bearer ${SCALER_TOKEN}`, 503, 'docker-away'],
    ['/health/ready', '', 503, 'service-unavailable'],
    ['/health/live', '', 200, undefined],
    ['/metrics', '', 200, undefined],
  ])('answers %s with the authorization %j by %d %s', async (url, authorization, status, code) => {
    expect(await get(url, authorization)).toEqual([status, code]);
  });
});

describe('settings of the scaler', () => {
  it.each([
    ['need a token', {}, /SCALER_TOKEN must be a token of at least 32 characters/],
    [
      'refuse bounds that contradict each other',
      { SCALER_TOKEN, SCALER_MIN: '5', SCALER_MAX: '4' },
      /SCALER_MIN must be at most SCALER_MAX, got 5 and 4/,
    ],
  ])('%s', (_, environment, line) => {
    expect(() => readSettings(environment)).toThrow(line);
  });

  it('default to the consumers of the stack `orders`', () => {
    const defaults = { SCALER_SERVICE: 'orders_consumer', SCALER_MIN: 1, SCALER_MAX: 12 };
    expect(readSettings({ SCALER_TOKEN })).toMatchObject(defaults);
  });
});

/** An engine with one service, which refuses updates of an old version as Swarm does. */
class OneServiceEngine {
  version = 7;
  spec: Record<string, unknown> = {
    Name: 'orders_consumer',
    TaskTemplate: { ContainerSpec: { Image: 'orders-pipeline:1' } },
    Mode: { Replicated: { Replicas: 2 } },
  };
  state: string | undefined;
  readonly updates: unknown[] = [];
  calls = 0;
  isAway = false;
  /** Updates of other clients that come first. */
  overtaken = 0;

  async get(path: string): Promise<unknown> {
    this.calls += 1;
    if (this.isAway) throw new Problem(HttpStatus.SERVICE_UNAVAILABLE, 'docker-away', 'The Docker engine is away.');
    if (path.startsWith('/tasks')) return [{ Status: { State: 'running' } }, { Status: { State: 'starting' } }];
    return {
      ID: 'abc',
      Version: { Index: this.version },
      Spec: this.spec,
      ...(this.state !== undefined && { UpdateStatus: { State: this.state } }),
    };
  }

  async post(path: string, body: unknown): Promise<unknown> {
    if (this.overtaken > 0) {
      this.overtaken -= 1;
      this.version += 1;
    }
    if (!path.includes(`version=${this.version}&`) && path.includes('version='))
      throw new Problem(
        HttpStatus.BAD_GATEWAY,
        'docker-refuses',
        'The Docker engine answers 500: update out of sequence',
      );
    this.updates.push(body);
    this.spec = body as Record<string, unknown>;
    this.version += 1;
    return {};
  }
}

describe('ScaledService', () => {
  let engine: OneServiceEngine;
  let service: ScaledService;
  let clock: ManualClock;

  beforeEach(() => {
    engine = new OneServiceEngine();
    clock = new ManualClock();
    service = new ScaledService(engine, { name: 'orders_consumer', min: 1, max: 4 }, clock);
  });

  it('reports the wanted and the running replicas', async () => {
    expect(await service.read()).toEqual({ replicas: 2, running: 1 });
  });

  it('asks the engine once in 5 s for checks, which need no token, whatever it answers', async () => {
    for (const isAway of [false, true, false]) {
      engine.isAway = isAway;
      engine.calls = 0;
      const results = await Promise.allSettled(Array.from({ length: 100 }, async () => service.check()));
      await clock.advance(4_999);
      results.push(...(await Promise.allSettled([service.check()])));
      expect(new Set(results.map(({ status }) => status))).toEqual(new Set([isAway ? 'rejected' : 'fulfilled']));
      expect(engine.calls).toBe(isAway ? 1 : 2);
      await clock.advance(1);
    }
  });

  it('changes nothing but the replicas', async () => {
    const { Mode: _mode, ...others } = structuredClone(engine.spec);
    expect(await service.scale(4)).toMatchObject({ replicas: 4 });
    expect(engine.updates).toEqual([{ ...others, Mode: { Replicated: { Replicas: 4 } } }]);
  });

  it('sends no update if the number is the present one', async () => {
    await service.scale(2);
    expect(engine.updates).toEqual([]);
  });

  it.each([0, 5])('refuses %d, beyond its bounds', async (wanted) => {
    await expect(service.scale(wanted)).rejects.toMatchObject({ code: 'beyond-bounds' });
    expect(engine.updates).toEqual([]);
  });

  it.each(['updating', 'rollback_started'])('refuses while the service is %s', async (state) => {
    engine.state = state;
    await expect(service.scale(3)).rejects.toMatchObject({ code: 'update-in-progress' });
  });

  it('reads again if another client has changed the service meanwhile', async () => {
    engine.overtaken = 2;
    expect(await service.scale(3)).toMatchObject({ replicas: 3 });
    engine.overtaken = 3;
    await expect(service.scale(4)).rejects.toMatchObject({ code: 'docker-refuses' });
  });

  it('refuses a service that has no replicas', async () => {
    engine.spec = { Mode: { Global: {} } };
    await expect(service.read()).rejects.toMatchObject({ code: 'not-replicated' });
  });
});
