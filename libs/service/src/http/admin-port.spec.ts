import { beforeEach, describe, expect, it } from '@jest/globals';
import makeFastify, { type FastifyInstance } from 'fastify';
import { separateAdminRoutes } from './admin-port.js';
import { listening, withProblems } from './testing/served-app.js';

async function status(port: number, path: string): Promise<number> {
  return (await fetch(`http://127.0.0.1:${port}${path}`)).status;
}

describe('the admin port', () => {
  let app: FastifyInstance;
  let adminPort: number;
  let publicPort: number;

  beforeEach(async () => {
    app = withProblems(makeFastify());
    const admin = separateAdminRoutes(app, {});
    for (const path of ['/health/live', '/metrics', '/v1/orders', '/metricsx']) app.get(path, () => 'here');
    publicPort = await listening(app);
    adminPort = await admin.listen({ host: '127.0.0.1', port: 0 });
  });

  it.each([
    { path: '/health/live', onAdminPort: 200, onPublicPort: 404 },
    { path: '/metrics', onAdminPort: 200, onPublicPort: 404 },
    { path: '/metrics?name=x', onAdminPort: 200, onPublicPort: 404 },
    { path: '/v1/orders', onAdminPort: 404, onPublicPort: 200 },
    { path: '/metricsx', onAdminPort: 404, onPublicPort: 200 },
  ])('alone has health and metrics, and nothing else: $path', async ({ path, onAdminPort, onPublicPort }) => {
    expect(await status(adminPort, path)).toBe(onAdminPort);
    expect(await status(publicPort, path)).toBe(onPublicPort);
  });

  it('is closed with the service', async () => {
    await app.close();
    await expect(status(adminPort, '/health/live')).rejects.toThrow('fetch failed');
  });
});
