import { describe, expect, it } from '@jest/globals';
import type { OpenAPIObject } from '@nestjs/swagger';
import fastify from 'fastify';
import { documentLegacyApi } from './legacy-api-document.js';
import { addReadRoutes } from './reads/read-routes.js';
import type { Reads } from './reads/reads.js';
import type { PostedOrders } from './writes/posted-orders.js';
import { addWriteRoutes } from './writes/write-routes.js';

/** Returns the routes that the facade adds, such as `GET /orders/{id}`, with their configuration. */
async function addedRoutes(): Promise<Map<string, unknown>> {
  const routes = new Map<string, unknown>();
  const app = fastify({ exposeHeadRoutes: false });
  app.addHook('onRoute', ({ method, url, config }) => {
    routes.set(`${String(method)} ${url.replace(/:(\w+)/, '{$1}')}`, config);
  });
  addReadRoutes(app, {} as Reads, { LONG_ANSWERS_PER_CALLER: 0, LONG_ANSWERS_IN_TOTAL: 0 });
  addWriteRoutes(app, {} as PostedOrders, () => ({}));
  await app.ready();
  return routes;
}

describe("the document of the legacy system's API", () => {
  const document: OpenAPIObject = { openapi: '3.1.0', info: { title: '', version: '' }, paths: {} };
  documentLegacyApi(document);

  it('has every route that the facade adds, and no other', async () => {
    const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(documented.toSorted()).toEqual([...(await addedRoutes()).keys()].toSorted());
  });

  it('describes routes that limit no rates, as the legacy system limits none', async () => {
    for (const config of (await addedRoutes()).values()) expect(config).toMatchObject({ rateLimit: false });
  });

  it('refers only to schemas that it has', () => {
    const names = [...JSON.stringify(document.paths).matchAll(/#\/components\/schemas\/(\w+)/g)].map(
      ([, name]) => name,
    );
    expect(Object.keys(document.components?.schemas ?? {})).toEqual(expect.arrayContaining([...new Set(names)]));
  });
});
