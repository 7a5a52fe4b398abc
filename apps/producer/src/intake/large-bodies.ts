import type { FastifyInstance } from 'fastify';

/** 1,000 orders with the longest texts, in UTF-8, fit. */
const MAX_BYTES = 1024 * 1024;

/** Raises the limit of the body for the intake's route alone. */
export function acceptManyOrders(fastify: FastifyInstance): void {
  fastify.addHook('onRoute', (route) => {
    if (route.url === '/v1/orders' && route.method === 'POST') route.bodyLimit = MAX_BYTES;
  });
}
