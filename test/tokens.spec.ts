import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock } from '@orders-pipeline/clock';
import { operationsCollection, type OperationDocument } from '#orders/operation/operation.js';
import { eventually } from './support/eventually.js';
import { GuardedStack, signingKey, type TokenOptions } from './support/test-issuer.js';

const CANARY = 'canary';
const MINUTE = 60;
/** An operation that the API can not show: the response is a 500. */
const BROKEN = '0197f5a2-8a52-7000-8000-00000000dead';
const SCALING_DEMO = '/v1/pipeline/scaling-demo';
const TEN = { count: 10 };
const POISONED = { count: 10, faults: { poison: 1 } };

interface AuditEvent {
  readonly service: string;
  readonly subject: string | null;
  readonly at: string;
}

/** A request that fails, with canaries wherever a client may put a secret. */
interface Attempt {
  readonly base: string;
  readonly path: string;
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Sends only a part of the body. */
  readonly isSlow?: boolean;
}

describe('a service that requires access tokens', () => {
  let stack: GuardedStack;
  let issuer: GuardedStack['issuer'];

  beforeAll(async () => {
    const secrets = { PAGE_TOKEN_SECRET: `canary-${'s'.repeat(40)}` };
    stack = await GuardedStack.start({ LOG_LEVEL: 'debug', REQUEST_TIMEOUT_SECONDS: '5', ...secrets });
    ({ issuer } = stack);
  });

  afterAll(async () => stack.end());

  async function tokenWith(scope: unknown): Promise<string> {
    return issuer.token({ claims: { scope } });
  }

  /** Returns all audit events of a query, page by page. */
  async function auditOf(query: string): Promise<AuditEvent[]> {
    const token = await issuer.token();
    const events: AuditEvent[] = [];
    for (let path: string | undefined = `/v1/audit?${query}`; path !== undefined;) {
      const { items, page }: { items: AuditEvent[]; page: { next?: string } } = await stack.json(path, token);
      events.push(...items);
      path = page.next;
    }
    return events;
  }

  it('accepts a valid token for populates, operations and orders', async () => {
    const token = await issuer.token();
    const id = await stack.populate(token);
    for (const path of [`/v1/operations/${id}`, '/v1/orders?page=1'])
      expect((await stack.request(path, token)).status).toBe(200);
  });

  it.each(['ES256', 'EdDSA', 'RS256'] as const)('accepts a token signed by %s', async (alg) => {
    expect((await stack.request('/v1/orders', await issuer.token({ key: issuer.keyOf(alg) }))).status).toBe(200);
  });

  it('rejects a request without a token, with a challenge', async () => {
    for (const path of ['/v1/orders', '/v1/operations', '/v1/orders/export?format=csv', '/v1/pipeline'])
      expect(await stack.refusal(path, undefined)).toMatchObject({
        status: 401,
        code: 'unauthorized',
        challenge: 'Bearer realm="orders"',
      });
  });

  it.each<[string, () => TokenOptions | Promise<TokenOptions>]>([
    ['for another audience', () => ({ claims: { aud: 'payments' } })],
    ['for no audience', () => ({ claims: { aud: null } })],
    ['of another issuer', () => ({ claims: { iss: 'https://evil.example' } })],
    ['whose type is not an access token', () => ({ header: { typ: 'JWT' } })],
    ['without a type', () => ({ header: { typ: undefined as never } })],
    ['that has expired', () => ({ claims: { exp: seconds() - MINUTE } })],
    ['without an expiry', () => ({ claims: { exp: null } })],
    ['that is not valid yet', () => ({ claims: { nbf: seconds() + 10 * MINUTE } })],
    ['without a subject', () => ({ claims: { sub: null } })],
    ['signed with an unpublished key', async () => ({ key: await signingKey('RS256') })],
    [
      "signed with another key under a published key's id",
      async () => ({ key: { ...(await signingKey('RS256')), kid: issuer.key.kid } }),
    ],
  ])('rejects a token %s', async (_, options) => {
    const { status, challenge, code } = await stack.refusal('/v1/orders', await issuer.token(await options()));
    expect([status, code]).toEqual([401, 'unauthorized']);
    expect(challenge).toMatch(/^Bearer realm="orders", error="invalid_token", error_description="[^"]+"$/);
  });

  it('tolerates a token that has just expired or is valid soon, since clocks differ', async () => {
    for (const claims of [{ exp: seconds() - 1 }, { nbf: seconds() + 25 }])
      expect((await stack.request('/v1/orders', await issuer.token({ claims }))).status).toBe(200);
  });

  it('ends the stream of the pipeline when its token expires', async () => {
    // It is tolerated for 29 s more, which is enough to begin the stream on a busy machine.
    const token = await issuer.token({ claims: { exp: seconds() - 1 } });
    const stream = await stack.request('/v1/pipeline/events', token);
    expect(await stream.text()).toMatch(/^event: pipeline\ndata: /);
    expect((await stack.refusal('/v1/pipeline/events', token)).detail).toBe('The token has expired.');
  });

  it('rejects a token without a signature, or with an HMAC of the public key', async () => {
    const [, claims] = (await issuer.token()).split('.');
    const none = `${base64url({ alg: 'none', typ: 'at+jwt' })}.${claims}.`;
    const head = `${base64url({ alg: 'HS256', typ: 'at+jwt', kid: issuer.key.kid })}.${claims}`;
    const mac = createHmac('sha256', await issuer.publicKeyPem())
      .update(head)
      .digest('base64url');
    for (const token of [none, `${head}.${mac}`]) expect((await stack.refusal('/v1/orders', token)).status).toBe(401);
  });

  it.each(['', 'x', 'a.b.c', '..', 'ey.ey.ey', 'x'.repeat(5_000), '%00', '"quoted"'])('rejects %j', async (token) => {
    expect((await stack.refusal('/v1/orders', token)).status).toBe(401);
  });

  it('rejects other schemes, and two valid tokens at once', async () => {
    const token = await issuer.token();
    const { queryApiUrl: base } = stack.urls;
    for (const authorization of [`Basic ${base64('a:b')}`, token, `Bearer ${token} ${token}`])
      await fails({ base, path: '/v1/orders', status: 401, headers: { authorization } });
    const { host, hostname, port } = new URL(base);
    const headers = ['Host', host, 'Authorization', `Bearer ${token}`, 'Authorization', 'Bearer other'];
    const twice = httpRequest({ hostname, port, path: '/v1/orders', headers }).end();
    const [response] = (await once(twice, 'response')) as [IncomingMessage];
    expect(response.resume().statusCode).toBe(401);
  });

  it.each<[string, string, string, string, object | undefined]>([
    ['orders:write', 'orders:read', 'a populate', '/v1/populate', TEN],
    ['ops:scale', 'orders:read orders:write', 'scaling', '/v1/pipeline/consumers', {}],
    ['ops:scale', 'orders:read orders:write', 'a scaling demo', SCALING_DEMO, {}],
    ['orders:write', 'orders:read ops:scale', 'a scaling demo', SCALING_DEMO, {}],
    ['ops:scale', 'orders:read orders:write', 'stopping a scaling demo', `${SCALING_DEMO}/cancel`, {}],
    ['faults:inject', 'orders:read orders:write', 'faults', '/v1/populate', POISONED],
    ['orders:read', 'orders:write orders:reader', 'a read', '/v1/orders', undefined],
    ['audit:read', 'orders:read orders:write ops:scale dead-letters:redrive', 'the audit', '/v1/audit', undefined],
  ])('requires the scope %s, and not %s, for %s', async (missing, scope, _what, path, body) => {
    const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    expect(await stack.refusal(path, await tokenWith(scope), init)).toMatchObject({
      status: 403,
      code: 'insufficient-scope',
      challenge: `Bearer realm="orders", error="insufficient_scope", scope="${missing}"`,
    });
  });

  it('requires a scope in the form of a text', async () => {
    expect((await stack.request('/v1/orders', await tokenWith('orders:read'))).status).toBe(200);
    for (const scope of [null, '', 7, { 'orders:read': true }])
      expect((await stack.refusal('/v1/orders', await tokenWith(scope))).status).toBe(403);
  });

  it('allows only tokens with the scope of what an operation does to pause, resume and cancel it', async () => {
    const token = await issuer.token();
    const [redriver, writer] = [
      await tokenWith('orders:read dead-letters:redrive'),
      await tokenWith('orders:read orders:write'),
    ];
    const refused = async (path: string, by: string): Promise<unknown> => {
      const { status, challenge } = await stack.refusal(path, by, { method: 'POST', body: '{}' });
      return [status, challenge];
    };
    const stopping = await refused(`/v1/operations/${await stack.populate(token)}/cancel`, redriver);
    expect(stopping).toEqual([403, expect.stringContaining('scope="orders:write"')]);
    const operationId = await stack.populate(token, POISONED);
    await eventually('all orders are dead letters', async () => {
      const { total } = await stack.json<{ total: number }>(`/v1/dead-letters?operationId=${operationId}`, token);
      return total === 10;
    });
    const redrive = { operationId, ratePerSecond: 0.1 };
    const { id } = await stack.json<{ id: string }>('/v1/dead-letters/redrive', redriver, redrive);
    for (const what of ['pause', 'resume', 'cancel'])
      expect(await refused(`/v1/operations/${id}/${what}`, writer)).toEqual([
        403,
        expect.stringContaining('scope="dead-letters:redrive"'),
      ]);
    const cancelled = await stack.request(`/v1/operations/${id}/cancel`, redriver, { method: 'POST', body: '{}' });
    expect(cancelled.status).toBe(200);
  });

  it('binds page tokens to the subject of the access token', async () => {
    const [ada, bob] = [await issuer.token(), await issuer.token({ claims: { sub: 'bob' } })];
    await stack.savedBy(await stack.populate(ada), ada);
    const { page } = await stack.json<{ page: { next: string } }>('/v1/orders?pageSize=2', ada);
    expect((await stack.request(page.next, ada)).status).toBe(200);
    expect((await stack.request(page.next, bob)).status).toBe(400);
  });

  it('requires no token for health, metrics and API documents', async () => {
    const { queryApiUrl, producerUrl, consoleUrl } = stack.urls;
    for (const base of [queryApiUrl, producerUrl, consoleUrl])
      for (const path of ['/health/live', '/health/ready', '/metrics', '/docs', '/docs-json'])
        expect((await fetch(`${base}${path}`)).status).toBe(200);
    const described = await fetch(`${producerUrl}/.well-known/oauth-protected-resource`);
    expect(await described.json()).toMatchObject({ resource: 'orders', authorization_servers: [issuer.url] });
  });

  it('keeps idempotency keys apart by caller', async () => {
    const ids: string[] = [];
    for (const sub of ['ada', 'bob', 'ada'])
      ids.push(await stack.populate(await issuer.token({ claims: { sub } }), TEN, { 'idempotency-key': 'one-key' }));
    expect([ids[2] === ids[0], ids[1] === ids[0]]).toEqual([true, false]);
  });

  it('audits what was done and what was refused, but no reads, and lists it by pages', async () => {
    const claims = { sub: 'auditor', client_id: 'desk' };
    const token = await issuer.token({ claims });
    const reader = await issuer.token({ claims: { ...claims, scope: 'orders:read' } });
    const requestId = 'audit-1';
    const id = await stack.populate(token, TEN, { 'x-request-id': requestId });
    await stack.savedBy(id, token);
    const post = async (path: string, by: string, body?: object): Promise<Response> =>
      stack.request(path, by, { method: 'POST', body: body === undefined ? null : JSON.stringify(body) });
    await post(`/v1/operations/${id}/cancel`, token);
    await post('/v1/populate', reader, TEN);
    await post('/v1/populate', token, { count: 0 });
    await post('/v1/pipeline/consumers', reader, {});
    await post('/v1/orders', reader, { accountId: CANARY });
    const producer = { service: 'producer', subject: 'auditor', clientId: 'desk', ip: '127.0.0.1' };
    const refused = { ...producer, outcome: 'refused', target: null };
    const expected = [
      { ...producer, action: 'populate', target: id, outcome: 'done', status: 202, code: null, requestId },
      { ...refused, action: 'cancel', target: id, status: 409 },
      { ...refused, action: 'populate', status: 403, code: 'insufficient-scope' },
      { ...refused, action: 'populate', status: 400, code: 'invalid-request' },
      { ...refused, action: 'send-orders', status: 403 },
    ];
    const anonymous = await fetch(`${stack.urls.consoleUrl}/v1/populate`, { method: 'POST', body: '{"count": 10}' });
    expect(anonymous.status).toBe(401);
    await eventually('the refusal of the forwarder is stored', async () => {
      const [forwarded] = await auditOf('action=forward-populate');
      return forwarded?.service === 'console' && forwarded.subject === null;
    });
    await eventually('all are stored', async () => (await auditOf('subject=auditor')).length === 6);
    const events = await auditOf('subject=auditor&pageSize=2');
    const ofProducer = events.filter(({ service }) => service === 'producer');
    // Two of the same millisecond are in any order.
    expect(ofProducer).toEqual(
      expect.arrayContaining(expected.map((event) => expect.objectContaining(event) as unknown)),
    );
    expect(ofProducer).toHaveLength(expected.length);
    const times = events.map(({ at }) => at);
    expect(times).toEqual(times.toSorted((a, b) => b.localeCompare(a)));
    expect(events.filter(({ service }) => service !== 'producer')).toMatchObject([
      { ...refused, service: 'console', action: 'scale', status: 403 },
    ]);
    expect(JSON.stringify(events)).not.toContain(CANARY);
    expect(await auditOf(`target=${id}&outcome=done`)).toHaveLength(1);
    const log = await readFile(join(stack.pipeline.dataDirectory, 'logs', 'producer.log'), 'utf8');
    expect(log.split('\n').filter((line) => line.includes('"subject":"auditor"'))).toHaveLength(expected.length);
  });

  it('has a scope for the audit that clients do not request by default, and refuses unknown filters', async () => {
    const described = await fetch(`${stack.urls.queryApiUrl}/.well-known/oauth-protected-resource`);
    expect(await described.text()).not.toContain('audit:read');
    expect((await stack.refusal('/v1/audit?who=ada', await issuer.token())).code).toBe('invalid-request');
  });

  it('logs no secret of a request that fails, in whichever way', async () => {
    const token = await issuer.token({ claims: { jti: CANARY } });
    const reader = await issuer.token({ claims: { jti: CANARY, scope: 'orders:read' } });
    const operations = operationsCollection(stack.pipeline.db);
    const broken = { _id: BROKEN, kind: 'populate', status: 'succeeded', requestedAt: new Date() };
    await operations.insertOne(broken as unknown as OperationDocument);
    try {
      await Promise.all(attempts(stack, token, reader).map(fails));
    } finally {
      await operations.deleteOne({ _id: BROKEN });
    }
    const logs = (): string =>
      stack.pipeline
        .writtenTexts()
        .map(([, text]) => text)
        .join('\n');
    const failures = [`${BROKEN}?page=1`, '"statusCode":408', 'insufficient-scope'];
    await eventually('the failures are logged', () => failures.every((text) => logs().includes(text)));
    // The claims and the signature of a token; its header is no secret.
    const parts = [token, reader].flatMap((each) => each.split('.').slice(1));
    for (const secret of [CANARY, base64(CANARY), base64(`ada:${CANARY}`), ...parts])
      expect({ secret, at: around(logs(), secret) }).toEqual({ secret, at: undefined });
  });

  it('leaves tokens with a known key valid while the issuer is away, and does not blame those with another one', async () => {
    const { consoleUrl } = stack.urls;
    const [known, foreign] = [await issuer.token(), await issuer.token({ key: await signingKey('RS256') })];
    const statusOf = async (token: string): Promise<number> => (await stack.request('/v1/pipeline', token)).status;
    const isUp = async (): Promise<string | undefined> =>
      /^auth_issuer_up (\d)$/m.exec(await (await fetch(`${consoleUrl}/metrics`)).text())?.[1];
    expect([await statusOf(known), await isUp()]).toEqual([200, '1']);
    await issuer.stop();
    try {
      // An unknown key causes a fetch, at most every 30 s.
      await eventually('it has noticed', async () => (await statusOf(foreign)) === 503);
      const refused = await stack.request('/v1/pipeline', foreign);
      expect([refused.status, refused.headers.get('retry-after'), await isUp()]).toEqual([503, '5', '0']);
      expect(await statusOf(known)).toBe(200);
      expect((await fetch(`${consoleUrl}/health/ready`)).status).toBe(200);
    } finally {
      await issuer.resume();
    }
    await eventually('it is available again', async () => (await statusOf(foreign)) === 401);
    expect(await isUp()).toBe('1');
  });
});

function seconds(): number {
  return Math.floor(systemClock.now() / 1_000);
}

function base64url(header: object): string {
  return Buffer.from(JSON.stringify(header)).toString('base64url');
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64').replace(/=+$/, '');
}

/** Returns the text around a secret, to find out what has logged it. */
function around(logs: string, secret: string): string | undefined {
  const at = logs.toLowerCase().indexOf(secret.toLowerCase());
  return at === -1 ? undefined : logs.slice(Math.max(0, at - 200), at + 100);
}

function attempts({ urls }: GuardedStack, token: string, reader: string): Attempt[] {
  const { producerUrl, queryApiUrl, consoleUrl } = urls;
  const bearer = { authorization: `Bearer ${token}` };
  const all = [producerUrl, consoleUrl];
  const broken = `/v1/operations/${BROKEN}?page=1&access_token=${CANARY}`;
  return [
    ...[...all, queryApiUrl].flatMap((base): Attempt[] => {
      const path = base === queryApiUrl ? '/v1/orders' : '/v1/operations';
      return [
        { base, path, status: 401, headers: { authorization: `Bearer ${CANARY}.${CANARY}.${CANARY}` } },
        { base, path, status: 401, headers: { authorization: `Basic ${base64(`ada:${CANARY}`)}` } },
        { base, path, status: 401, headers: { 'x-api-key': CANARY, cookie: `session=${CANARY}` } },
        { base, path: `${path}/no-uuid`, status: 400, headers: bearer },
        { base, path: `/${path}/nowhere`, status: 404, headers: bearer },
      ];
    }),
    ...all.flatMap((base): Attempt[] => {
      const populate = { base, path: '/v1/populate', headers: bearer };
      return [
        { ...populate, status: 403, headers: { authorization: `Bearer ${reader}` }, body: '{"count": 1}' },
        { ...populate, status: 400, body: `{"password": "${CANARY}"` },
        { ...populate, status: 400, body: `{"count": "${CANARY}"}` },
        { ...populate, status: 413, body: `{"count": "${CANARY.repeat(20_000)}"}` },
        { ...populate, status: 408, body: `{"password": "${CANARY}"`, isSlow: true },
        { base, path: broken, status: 500, headers: bearer },
      ];
    }),
  ];
}

/** Sends a request that must be refused. */
async function fails({ base, path, status, headers = {}, body, isSlow = false }: Attempt): Promise<void> {
  const length = String((body?.length ?? 0) + (isSlow ? 100 : 0));
  const sent = httpRequest(`${base}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      ...headers,
      ...(body !== undefined && { 'content-length': length, 'content-type': 'application/json' }),
    },
  });
  if (isSlow) sent.write(body);
  else sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  expect({ base, path, status: response.statusCode }).toEqual({ base, path, status });
  sent.destroy();
}
