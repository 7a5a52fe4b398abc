import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { NestFactory } from '@nestjs/core';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ProblemFilter } from '#service/http/problem-filter.js';
import { readSettings } from './settings.js';
import { SwarmScalerModule } from './swarm-scaler.module.js';

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

  async function get(url: string, authorization?: string): Promise<{ status: number; code: unknown }> {
    const headers = authorization === undefined ? {} : { authorization };
    const response = await app.inject({ method: 'GET', url, headers });
    const body = response.headers['content-type']?.includes('json') ? response.json<{ code?: unknown }>() : {};
    return { status: response.statusCode, code: body.code };
  }

  it.each([undefined, 'Bearer another-token-of-more-than-thirty-two-characters', `Basic ${SCALER_TOKEN}`])(
    'refuses the authorization %s',
    async (authorization) => {
      expect(await get('/consumers/replicas', authorization)).toEqual({ status: 401, code: 'unauthorized' });
    },
  );

  it('says that the engine is away, and is not ready', async () => {
    expect(await get('/consumers/replicas', `Bearer ${SCALER_TOKEN}`)).toEqual({ status: 503, code: 'docker-away' });
    expect((await get('/health/ready')).status).toBe(503);
  });

  it('serves health and metrics without a token', async () => {
    expect((await get('/health/live')).status).toBe(200);
    expect((await get('/metrics')).status).toBe(200);
  });
});
