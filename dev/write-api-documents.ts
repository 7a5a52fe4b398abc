// `npm run docs:api`: writes the OpenAPI documents of the services into docs/openapi/, and docs/rights.md. With `--check` it writes nothing, and fails when one of them is out of date. It needs no servers.
import type { INestApplication, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { OpenAPI3 } from 'openapi-typescript';
import { API as CONSOLE_API, ConsoleModule } from '../apps/console/src/console.module.js';
import { ConsumerModule } from '../apps/consumer/src/consumer.module.js';
import { API as FACADE_API } from '../apps/facade/src/legacy-api-document.js';
import { FacadeModule } from '../apps/facade/src/facade.module.js';
import { API as PRODUCER_API } from '../apps/producer/src/api-description.js';
import { ProducerModule } from '../apps/producer/src/producer.module.js';
import { API as QUERY_API } from '../apps/query-api/src/api-description.js';
import { QueryApiModule } from '../apps/query-api/src/query-api.module.js';
import { systemClock } from '@orders-pipeline/clock';
import { createApiDocument, type ApiDescription } from '#service/docs/openapi.js';
import { ProfileFolder } from '#service/profiles/profile-folder.js';
import { withProfiles } from '#service/profiles/profiles.controller.js';
import { Profiles } from '#service/profiles/profiles.js';
import { rightsPage } from './api-documents/rights-page.js';
import { routeScopes, routesWithoutController, type RouteScope } from './api-documents/route-scopes.js';
import { formatted, updateGenerated } from './generated-file.js';

async function update(file: string, content: string): Promise<void> {
  await updateGenerated(file, await formatted(file, content), 'npm run docs:api');
}

const PROFILES = new Profiles({ service: 'preview', folder: new ProfileFolder('preview'), clock: systemClock });

/** Creates an app with the routes of profiles, without creating any provider: nothing connects. */
async function previewOf(module: Type): Promise<INestApplication> {
  return NestFactory.create(withProfiles(module, PROFILES), new FastifyAdapter(), { preview: true, logger: false });
}

async function documentOf(module: Type, api: ApiDescription): Promise<OpenAPI3> {
  return createApiDocument(await previewOf(module), api) as OpenAPI3;
}

/** @throws Error if a route of `/v1` in the document is missing, so that the table of scopes is complete */
async function scopesOf(module: Type, { paths = {} }: OpenAPI3): Promise<RouteScope[]> {
  const routes = routeScopes(await previewOf(module));
  const missing = routesWithoutController(paths, routes).filter((route) => route.includes(' /v1/'));
  if (missing.length > 0) throw new Error(`No controller has ${missing.join(', ')}`);
  return routes;
}

const producer = await documentOf(ProducerModule, PRODUCER_API);
const queryApi = await documentOf(QueryApiModule, QUERY_API);
const facade = await documentOf(FacadeModule, FACADE_API);
const consoleApi = await documentOf(ConsoleModule, CONSOLE_API);
await update('docs/openapi/producer.json', JSON.stringify(producer));
await update('docs/openapi/query-api.json', JSON.stringify(queryApi));
await update('docs/openapi/facade.json', JSON.stringify(facade));
await update('docs/openapi/console.json', JSON.stringify(consoleApi));
await update(
  'docs/rights.md',
  rightsPage({
    producer: await scopesOf(ProducerModule, producer),
    'query API': await scopesOf(QueryApiModule, queryApi),
    console: await scopesOf(ConsoleModule, consoleApi),
    facade: await scopesOf(FacadeModule, facade),
    consumer: routeScopes(await previewOf(ConsumerModule)),
  }),
);
