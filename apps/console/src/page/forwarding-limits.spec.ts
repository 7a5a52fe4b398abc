import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import makeFastify, { type FastifyInstance } from 'fastify';
import { authenticate } from '#service/auth/authenticate.js';
import { TokenRefusal, type Caller, type TokenVerifier } from '#service/auth/token-verifier.js';
import { forwardToServices, type ForwardingSettings, type ResponseTimeouts } from './forward-to-services.js';

/** A caller whose token is its name. */
function callerOf(token: string): Caller {
  if (token === 'bad') throw new TokenRefusal('The token is invalid.');
  return { subject: token, clientId: null, scopes: new Set(), validUntil: Number.POSITIVE_INFINITY };
}

const VERIFIER = { verify: async (token: string) => callerOf(token) } as unknown as TokenVerifier;

describe('forwarding to the other services, its limits', () => {
  let fastify: FastifyInstance;
  let service: Server;

  beforeEach(async () => {
    service = createServer();
    await new Promise<void>((resolve) => void service.listen(0, '127.0.0.1', resolve));
  });

  afterEach(async () => {
    await fastify.close();
    service.close();
    service.closeAllConnections();
  });

  async function start(settings: Partial<ForwardingSettings>, timeouts?: ResponseTimeouts): Promise<void> {
    const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
    fastify = makeFastify();
    authenticate(fastify, settings.AUTH_ISSUER === undefined ? null : VERIFIER);
    const byDefault = { AUTH_AUDIENCE: 'orders', FORWARDED_PER_CALLER: 0, FORWARDED_IN_TOTAL: 0 };
    await forwardToServices(fastify, { PRODUCER_URL: url, QUERY_API_URL: url, ...byDefault, ...settings }, timeouts);
    await fastify.listen({ host: '127.0.0.1', port: 0 });
  }

  const origin = () => `http://127.0.0.1:${(fastify.server.address() as AddressInfo).port}`;

  async function get(token: string, path = '/v1/orders'): Promise<Response> {
    return fetch(`${origin()}${path}`, { headers: { authorization: `Bearer ${token}` } });
  }

  it('refuses requests without a valid token itself, where tokens are required', async () => {
    await start({ AUTH_ISSUER: 'https://issuer.example' });
    const arrived: unknown[] = [];
    service.on('request', ({ headers }, response) => {
      arrived.push(headers.authorization);
      response.end();
    });
    const answers = await Promise.all(
      [{}, { authorization: 'Bearer bad' }, { authorization: 'Bearer ann' }].map(async (headers) =>
        fetch(`${origin()}/v1/orders`, { headers }),
      ),
    );
    expect(answers.map(({ status: given }) => given)).toEqual([401, 401, 200]);
    expect(answers[0]?.headers.get('www-authenticate')).toBe('Bearer realm="orders"');
    expect(arrived).toEqual(['Bearer ann']);
  });

  it('lets no caller, and no slow service, block the requests of others', async () => {
    await start({ AUTH_ISSUER: 'https://issuer.example', FORWARDED_PER_CALLER: 64, FORWARDED_IN_TOTAL: 65 });
    const allArrived = Promise.withResolvers<void>();
    let arrived = 0;
    service.on('request', ({ headers }, response) => {
      // Begins the response and does not end it.
      response.write(`${headers.authorization}`);
      arrived += 1;
      if (arrived === 64) allArrived.resolve();
    });
    const slow = await Promise.all(Array.from({ length: 64 }, async () => get('ann')));
    await allArrived.promise;
    const refused = await get('ann');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '5']);
    expect(await refused.json()).toMatchObject({ code: 'too-many-forwarded-requests' });
    const other = await get('bob', '/query-api/metrics');
    expect(other.status).toBe(200);
    const full = await get('eve', '/query-api/metrics');
    expect([full.status, full.headers.get('retry-after')]).toEqual([503, '5']);
    // The other services have their own places.
    service.removeAllListeners('request').on('request', (_request, response) => response.end('theirs'));
    expect((await get('eve', '/v1/operations')).status).toBe(200);
    await Promise.all([other, ...slow].map(async ({ body }) => body?.cancel()));
  });

  it('waits for a service for a limited time, but longer for a reconciliation', async () => {
    await start({}, { usual: 100, reconciliation: 60_000 });
    const reconciling = Promise.withResolvers<ServerResponse>();
    service.on('request', ({ url }, response) => {
      if (url?.endsWith('/reconcile') === true) reconciling.resolve(response);
    });
    const reconciliation = fetch(`${origin()}/v1/operations/1/reconcile`, { method: 'POST' });
    const late = await fetch(`${origin()}/v1/operations/1`);
    expect([late.status, late.headers.get('retry-after'), await late.json()]).toMatchObject([
      503,
      '2',
      { code: 'service-away' },
    ]);
    (await reconciling.promise).end('held');
    expect(await (await reconciliation).text()).toBe('held');
  });
});
