import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';

/** The output folder of `build-page.mjs`. */
const PAGE = fileURLToPath(new URL('../page/', import.meta.url));

/** What the page needs to request a token, to link to the query API, and to know what it offers. */
interface PageSettings {
  readonly clientId: string;
  /** The address for browsers. */
  readonly queryApiUrl: string;
  /** Whether the console forwards `/v1/migration` to a facade. */
  readonly hasFacade: boolean;
  /** Whether the page offers faulty records. */
  readonly allowsFaults: boolean;
}

/** Serves the page at `/` without authentication; the page requests its data with a token. */
export async function servePage(fastify: FastifyInstance, settings: PageSettings): Promise<void> {
  fastify.get('/page-settings.json', () => settings);
  await fastify.register(fastifyStatic, {
    root: PAGE,
    // One route per file: any other path belongs to the API or is not found.
    wildcard: false,
    // The file names have no versions, so the browser must revalidate; the answer is 304 when nothing has changed.
    cacheControl: false,
    setHeaders: (reply) => void reply.header('Cache-Control', 'no-cache'),
  });
}
