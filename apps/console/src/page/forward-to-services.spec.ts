import { createServer, request, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import makeFastify, { type FastifyInstance } from 'fastify';
import { forwardToServices } from './forward-to-services.js';

describe('what is passed on to the other services', () => {
  let fastify: FastifyInstance;
  let service: Server;
  let status: number;
  const asked: { path: string | undefined; headers: IncomingHttpHeaders }[] = [];

  beforeEach(async () => {
    asked.length = 0;
    status = 200;
    service = createServer(({ url, headers }, response) => {
      asked.push({ path: url, headers });
      response.writeHead(status, { 'content-type': 'application/json', 'retry-after': '5' }).end('{"code":"theirs"}');
    });
    await new Promise<void>((resolve) => void service.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
    fastify = makeFastify();
    await forwardToServices(fastify, { PRODUCER_URL: url, QUERY_API_URL: url });
    await fastify.listen({ host: '127.0.0.1', port: 0 });
  });

  afterEach(async () => {
    await fastify.close();
    service.close();
  });

  const origin = () => `http://127.0.0.1:${(fastify.server.address() as AddressInfo).port}`;

  it('is asked for once, also when it is answered with 503', async () => {
    status = 503;
    const answer = await fetch(`${origin()}/v1/operations?pageSize=6`);
    expect([answer.status, await answer.json()]).toEqual([503, { code: 'theirs' }]);
    expect(asked.map(({ path }) => path)).toEqual(['/v1/operations?pageSize=6']);
  });

  it('has the token of the caller, and not where its page is from', async () => {
    await fetch(`${origin()}/v1/orders`, { headers: { authorization: 'Bearer mine', origin: 'http://localhost' } });
    expect(asked[0]?.headers).toMatchObject({ authorization: 'Bearer mine' });
    expect(asked[0]?.headers.origin).toBeUndefined();
  });

  it('may be announced before it is sent, as curl does with what is large', async () => {
    const answered = Promise.withResolvers<unknown>();
    const sending = request(`${origin()}/v1/imports`, { method: 'POST', headers: { expect: '100-continue' } });
    sending.on('continue', () => sending.end('[]'));
    sending.on('response', (response) => answered.resolve(json(response)));
    sending.flushHeaders();
    expect(await answered.promise).toEqual({ code: 'theirs' });
  });

  it('is none of theirs where the path is not', async () => {
    for (const path of ['/v1/pipelines', '/v1/operationsx', '/health/live'])
      expect((await fetch(`${origin()}${path}`)).status).toBe(404);
    expect(asked).toEqual([]);
  });
});
