import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import makeFastify, { type FastifyInstance } from 'fastify';
import { separateAdminRoutes } from './admin-port.js';
import { ProblemFilter } from './problem-filter.js';

const HOST = '127.0.0.1';

async function status(port: number, path: string): Promise<number> {
  return (await fetch(`http://${HOST}:${port}${path}`)).status;
}

describe('the admin port', () => {
  let fastify: FastifyInstance;
  let ports: { readonly admin: number; readonly public: number };

  beforeEach(async () => {
    fastify = makeFastify();
    const problems = new ProblemFilter();
    fastify.setErrorHandler((error, request, reply) => problems.send(error, request, reply));
    const admin = separateAdminRoutes(fastify, {});
    for (const path of ['/health/live', '/metrics', '/v1/orders', '/metricsx']) fastify.get(path, () => 'here');
    await fastify.listen({ host: HOST, port: 0 });
    ports = {
      admin: await admin.listen({ host: HOST, port: 0 }),
      public: (fastify.server.address() as AddressInfo).port,
    };
  });

  afterEach(async () => {
    await fastify.close();
  });

  it('has health and metrics, and the public port has not', async () => {
    for (const path of ['/health/live', '/metrics', '/metrics?name=x']) {
      expect(await status(ports.admin, path)).toBe(200);
      expect(await status(ports.public, path)).toBe(404);
    }
  });

  it('has nothing else', async () => {
    for (const path of ['/v1/orders', '/metricsx']) {
      expect(await status(ports.admin, path)).toBe(404);
      expect(await status(ports.public, path)).toBe(200);
    }
  });

  it('is closed with the service', async () => {
    await fastify.close();
    await expect(status(ports.admin, '/health/live')).rejects.toThrow('fetch failed');
  });
});
