import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { fastify as makeFastify, type FastifyInstance } from 'fastify';
import { acceptEmptyJsonBodies } from './empty-json-body.js';

describe('request with the content type JSON', () => {
  let fastify: FastifyInstance;

  beforeEach(() => {
    fastify = makeFastify();
    acceptEmptyJsonBodies(fastify);
    fastify.post('/pause', ({ body }) => ({ body: body ?? 'none' }));
  });

  afterEach(async () => {
    await fastify.close();
  });

  async function post(payload: string, headers: Record<string, string> = {}) {
    const response = await fastify.inject({
      method: 'POST',
      url: '/pause',
      headers: { 'content-type': 'application/json', ...headers },
      payload,
    });
    return [response.statusCode, response.json<{ body?: unknown }>().body];
  }

  it('may have an empty body, with a Content-Length or chunked', async () => {
    expect(await post('', { 'content-length': '0' })).toEqual([200, 'none']);
    expect(await post('', { 'transfer-encoding': 'chunked' })).toEqual([200, 'none']);
    expect(await post('', { 'content-type': 'application/json; charset=utf-8' })).toEqual([200, 'none']);
  });

  it('has its body parsed', async () => {
    expect(await post('{"count": 1}')).toEqual([200, { count: 1 }]);
  });

  it.each(['{"count": 1', '{"__proto__": {}}', '{"constructor": {"prototype": {}}}'])(
    'is rejected with 400 for the body %s',
    async (body) => {
      const [status] = await post(body);
      expect(status).toBe(400);
    },
  );
});
