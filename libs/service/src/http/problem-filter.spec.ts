import { Body, Controller, Get, Module, Post, Query, Res } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, RouteConfig, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyContextConfig, FastifyReply } from 'fastify';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { MongoNetworkError, MongoNetworkTimeoutError } from 'mongodb';
import { ProblemFilter } from './problem-filter.js';

const LOST = new MongoNetworkError('read ECONNRESET');
const failures: Error[] = [];
let calls = 0;

@Controller('reads')
class ReadsController {
  @Get()
  async read(@Query('page') page: string): Promise<unknown> {
    calls += 1;
    const failure = failures.shift();
    return failure === undefined ? Promise.resolve({ page }) : Promise.reject(failure);
  }

  @Post()
  async write(): Promise<unknown> {
    return this.read('none');
  }

  @Post('batch')
  @RouteConfig({ onlyReads: true } satisfies FastifyContextConfig)
  async readBatch(@Body() body: unknown): Promise<unknown> {
    await this.read('none');
    return body;
  }

  @Get('begun')
  async begin(@Res() reply: FastifyReply): Promise<void> {
    calls += 1;
    await reply.send('begun');
    throw LOST;
  }
}

@Module({ controllers: [ReadsController] })
class ReadsModule {}

describe('repeated reads', () => {
  let app: NestFastifyApplication;

  beforeAll(async () => {
    app = await NestFactory.create<NestFastifyApplication>(ReadsModule, new FastifyAdapter(), { logger: false });
    app.useGlobalFilters(new ProblemFilter());
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
  });

  afterAll(async () => app.close());

  beforeEach(() => {
    failures.length = 0;
    calls = 0;
  });

  async function statusOf(method: 'GET' | 'POST', url = '/reads?page=3'): Promise<number> {
    return (await app.inject({ method, url })).statusCode;
  }

  it('succeed after connections broke, with the same parameters', async () => {
    failures.push(LOST, LOST, LOST);
    const response = await app.inject({ method: 'GET', url: '/reads?page=3' });
    expect([response.statusCode, response.json()]).toEqual([200, { page: '3' }]);
    expect(calls).toBe(4);
  });

  it('end after three repeats', async () => {
    failures.push(LOST, LOST, LOST, LOST);
    expect([await statusOf('GET'), calls]).toEqual([503, 4]);
  });

  it.each([new MongoNetworkTimeoutError('timed out'), new Error('a bug')])(
    'do not include the error %s',
    async (error) => {
      failures.push(error);
      expect([await statusOf('GET'), calls]).toEqual([error instanceof MongoNetworkTimeoutError ? 503 : 500, 1]);
    },
  );

  it('include a route of another method that changes nothing, with the same body', async () => {
    failures.push(LOST);
    const response = await app.inject({ method: 'POST', url: '/reads/batch', payload: { ids: [7] } });
    expect([response.statusCode, response.json(), calls]).toEqual([201, { ids: [7] }, 2]);
  });

  it('do not include writes', async () => {
    failures.push(LOST);
    expect([await statusOf('POST'), calls]).toEqual([503, 1]);
  });

  it('do not include a response that has begun', async () => {
    expect([await statusOf('GET', '/reads/begun'), calls]).toEqual([200, 1]);
  });
});
