import type { FastifyInstance } from 'fastify';

/**
 * Accepts an empty body with `content-type: application/json`, which many HTTP clients send with every POST. The handler then
 * gets no body, as without the header; the schema of a route that needs a body rejects it.
 */
export function acceptEmptyJsonBodies(fastify: FastifyInstance): void {
  const parse = fastify.getDefaultJsonParser('error', 'error');
  fastify.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body.length === 0) done(null, undefined);
    else void parse(request, body, done);
  });
}
