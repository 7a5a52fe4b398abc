import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import type { ConsoleSettings } from './settings-schema.js';

/** The output folder of `build-page.mjs`. */
const PAGE = fileURLToPath(new URL('../page/', import.meta.url));

type Settings = Pick<
  ConsoleSettings,
  'CONSOLE_CLIENT_ID' | 'QUERY_API_URL' | 'QUERY_API_PUBLIC_URL' | 'FACADE_URL' | 'ALLOW_FAULT_INJECTION'
>;

/**
 * Serves the page at `/` without authentication, and what it needs to request a token, to link to the query API, and to know what it offers.
 * The page requests its data with a token.
 */
export async function servePage(fastify: FastifyInstance, settings: Settings): Promise<void> {
  const pageSettings = {
    clientId: settings.CONSOLE_CLIENT_ID,
    // The address for browsers.
    queryApiUrl: settings.QUERY_API_PUBLIC_URL ?? settings.QUERY_API_URL,
    // Whether the console forwards `/v1/migration` to a facade.
    hasFacade: settings.FACADE_URL !== undefined,
    // Whether the page offers faulty records.
    allowsFaults: settings.ALLOW_FAULT_INJECTION,
  };
  fastify.get('/page-settings.json', () => pageSettings);
  await fastify.register(fastifyStatic, {
    root: PAGE,
    // One route per file: any other path belongs to the API or is not found.
    wildcard: false,
    // The file names have no versions, so the browser must revalidate; the answer is 304 when nothing has changed.
    cacheControl: false,
    setHeaders: (reply) => void reply.header('Cache-Control', 'no-cache'),
  });
}
