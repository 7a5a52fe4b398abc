import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';

/** Where `build-page.mjs` leaves it. */
const PAGE = fileURLToPath(new URL('../../page/', import.meta.url));

/**
 * The page at `/`, for everybody: what it shows is asked for with a token.
 * @param settings what the page must know to get one
 */
export async function servePage(fastify: FastifyInstance, { clientId }: { clientId: string }): Promise<void> {
  fastify.get('/page-settings.json', () => ({ clientId }));
  await fastify.register(fastifyStatic, {
    root: PAGE,
    // A route for each file: anything else is the API's, or not there.
    wildcard: false,
    // Its files have no versions in their names: a browser asks again, and is told with 304 that it has them.
    cacheControl: false,
    setHeaders: (reply) => void reply.header('Cache-Control', 'no-cache'),
  });
}
