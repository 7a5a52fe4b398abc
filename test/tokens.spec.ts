import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from './support/eventually.js';
import type { TestSystem } from './support/test-system.js';
import { signingKey, type TestIssuer, type TokenOptions } from './support/test-issuer.js';
import { statusWithTwo } from './support/two-tokens.js';
import { auditSpecs } from './tokens/auditing.js';
import { canarySpecs } from './tokens/canaries.js';
import { GuardedStack, POPULATE } from './tokens/guarded-stack.js';
import { issuerOutageSpecs } from './tokens/issuer-outage.js';

const seconds = (): number => Math.floor(Date.now() / 1_000);
const MINUTE = 60;

describe('a service that requires access tokens', () => {
  let stack: GuardedStack;
  let issuer: TestIssuer;
  let pipeline: TestSystem;

  beforeAll(async () => {
    const secrets = { PAGE_TOKEN_SECRET: `canary-${'s'.repeat(40)}` };
    stack = await GuardedStack.start({ LOG_LEVEL: 'debug', REQUEST_TIMEOUT_SECONDS: '5', ...secrets });
    ({ issuer, pipeline } = stack);
  });

  afterAll(async () => stack.end());

  const request: GuardedStack['request'] = async (...given) => stack.request(...given);
  const refusal: GuardedStack['refusal'] = async (...given) => stack.refusal(...given);

  it('accepts a valid token for populates, operations and orders', async () => {
    const token = await issuer.token();
    const populated = await request('/v1/populate', token, POPULATE);
    expect(populated.status).toBe(202);
    const { id } = (await populated.json()) as { id: string };
    expect((await request(`/v1/operations/${id}`, token)).status).toBe(200);
    expect((await request('/v1/orders?page=1', token)).status).toBe(200);
  });

  it.each(['ES256', 'EdDSA', 'RS256'] as const)('accepts a token signed by %s', async (alg) => {
    expect((await request('/v1/orders', await issuer.token({ key: issuer.keyOf(alg) }))).status).toBe(200);
  });

  it('rejects a request without a token, with a challenge', async () => {
    for (const path of ['/v1/orders', '/v1/operations', '/v1/orders/export?format=csv', '/v1/pipeline']) {
      const { status, challenge, body } = await refusal(path, undefined);
      expect([status, body.code]).toEqual([401, 'unauthorized']);
      expect(challenge).toBe('Bearer realm="orders"');
    }
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
    const { status, challenge, body } = await refusal('/v1/orders', await issuer.token(await options()));
    expect([status, body.code]).toEqual([401, 'unauthorized']);
    expect(challenge).toMatch(/^Bearer realm="orders", error="invalid_token", error_description="[^"]+"$/);
  });

  it('tolerates a token that has just expired or is valid soon, since clocks differ', async () => {
    for (const claims of [{ exp: seconds() - 1 }, { nbf: seconds() + 25 }])
      expect((await request('/v1/orders', await issuer.token({ claims }))).status).toBe(200);
  });

  it('ends the stream of the pipeline when its token expires', async () => {
    // It is tolerated for 15 s more, which is enough to begin the stream on a busy machine.
    const token = await issuer.token({ claims: { exp: seconds() - 15 } });
    const stream = await request('/v1/pipeline/events', token);
    expect(await stream.text()).toMatch(/^event: pipeline\ndata: /);
    expect((await refusal('/v1/pipeline/events', token)).body.detail).toBe('The token has expired.');
  });

  it('rejects a token without a signature, or with an HMAC of the public key', async () => {
    const [, claims] = (await issuer.token()).split('.');
    const none = `${base64url({ alg: 'none', typ: 'at+jwt' })}.${claims}.`;
    const head = `${base64url({ alg: 'HS256', typ: 'at+jwt', kid: issuer.key.kid })}.${claims}`;
    const mac = createHmac('sha256', await issuer.publicKeyPem())
      .update(head)
      .digest('base64url');
    for (const token of [none, `${head}.${mac}`]) expect((await refusal('/v1/orders', token)).status).toBe(401);
  });

  it.each(['', 'x', 'a.b.c', '..', 'ey.ey.ey', 'x'.repeat(5_000), '%00', '"quoted"'])('rejects %j', async (token) => {
    expect((await refusal('/v1/orders', token)).status).toBe(401);
  });

  it('rejects other schemes, and two valid tokens at once', async () => {
    const token = await issuer.token();
    for (const authorization of [`Basic ${Buffer.from('a:b').toString('base64')}`, token, `Bearer ${token} ${token}`]) {
      const response = await fetch(`${pipeline.queryApiUrl}/v1/orders`, { headers: { authorization } });
      expect(response.status).toBe(401);
    }
    expect(await statusWithTwo(`${pipeline.queryApiUrl}/v1/orders`, `Bearer ${token}`)).toBe(401);
  });

  it('rejects requests beyond the scopes of the token, and names the missing scope', async () => {
    const reader = await issuer.token({ claims: { scope: 'orders:read' } });
    expect((await request('/v1/orders', reader)).status).toBe(200);
    const { status, challenge, body } = await refusal('/v1/populate', reader, POPULATE);
    expect([status, body.code]).toEqual([403, 'insufficient-scope']);
    expect(challenge).toBe('Bearer realm="orders", error="insufficient_scope", scope="orders:write"');
    const noScaler = await issuer.token({ claims: { scope: 'orders:read orders:write' } });
    const scaling = await refusal('/v1/pipeline/consumers', noScaler, { method: 'POST', body: '{}' });
    expect([scaling.status, scaling.challenge]).toEqual([403, expect.stringContaining('scope="ops:scale"')]);
    const faulty = { method: 'POST', body: '{"count": 10, "faults": {"poison": 1}}' };
    const injecting = await refusal('/v1/populate', noScaler, faulty);
    expect([injecting.status, injecting.challenge]).toEqual([403, expect.stringContaining('scope="faults:inject"')]);
    const writer = await issuer.token({ claims: { scope: 'orders:write orders:reader' } });
    expect((await refusal('/v1/orders', writer)).status).toBe(403);
    const redriver = await issuer.token({ claims: { scope: 'orders:read dead-letters:redrive' } });
    const { id } = (await (await request('/v1/populate', await issuer.token(), POPULATE)).json()) as { id: string };
    const stopping = await refusal(`/v1/operations/${id}/cancel`, redriver, { method: 'POST', body: '{}' });
    expect([stopping.status, stopping.challenge]).toEqual([403, expect.stringContaining('scope="orders:write"')]);
    for (const scope of [null, '', 7, { 'orders:read': true }])
      expect((await refusal('/v1/orders', await issuer.token({ claims: { scope } }))).status).toBe(403);
  });

  it('allows only tokens with the redrive scope to pause and cancel a redrive', async () => {
    const token = await issuer.token();
    const body = '{"count": 10, "faults": {"poison": 1}}';
    const populated = await request('/v1/populate', token, { method: 'POST', body });
    const { id: operationId } = (await populated.json()) as { id: string };
    await eventually('all orders are dead letters', async () => {
      const { total } = (await (await request(`/v1/dead-letters?operationId=${operationId}`, token)).json()) as {
        total: number;
      };
      return total === 10;
    });
    const redriver = await issuer.token({ claims: { scope: 'orders:read dead-letters:redrive' } });
    const redriven = await request('/v1/dead-letters/redrive', redriver, {
      method: 'POST',
      body: JSON.stringify({ operationId, ratePerSecond: 0.1 }),
    });
    const { id } = (await redriven.json()) as { id: string };
    const writer = await issuer.token({ claims: { scope: 'orders:read orders:write' } });
    for (const what of ['pause', 'resume', 'cancel']) {
      const { status, challenge } = await refusal(`/v1/operations/${id}/${what}`, writer, {
        method: 'POST',
        body: '{}',
      });
      expect([status, challenge]).toEqual([403, expect.stringContaining('scope="dead-letters:redrive"')]);
    }
    expect((await request(`/v1/operations/${id}/cancel`, redriver, { method: 'POST', body: '{}' })).status).toBe(200);
  });

  it('binds page tokens to the subject of the access token', async () => {
    const [ada, bob] = [await issuer.token(), await issuer.token({ claims: { sub: 'bob' } })];
    const populated = await request('/v1/populate', ada, POPULATE);
    const { id } = (await populated.json()) as { id: string };
    await stack.savedBy(id, ada);
    const first = (await (await request('/v1/orders?pageSize=2', ada)).json()) as { page: { next: string } };
    expect((await request(first.page.next, ada)).status).toBe(200);
    expect((await request(first.page.next, bob)).status).toBe(400);
  });

  it('requires no token for health, metrics and API documents', async () => {
    const { queryApiUrl, producerUrl, consoleUrl } = pipeline;
    for (const base of [queryApiUrl, producerUrl, consoleUrl])
      for (const path of ['/health/live', '/health/ready', '/metrics', '/docs', '/docs-json'])
        expect((await fetch(`${base}${path}`)).status).toBe(200);
    const described = await fetch(`${pipeline.producerUrl}/.well-known/oauth-protected-resource`);
    expect(await described.json()).toMatchObject({ resource: 'orders', authorization_servers: [issuer.url] });
  });

  it('keeps idempotency keys apart by caller', async () => {
    const init = { ...POPULATE, headers: { 'idempotency-key': 'one-key' } };
    const ids: string[] = [];
    for (const sub of ['ada', 'bob', 'ada']) {
      const populated = await request('/v1/populate', await issuer.token({ claims: { sub } }), init);
      ids.push(((await populated.json()) as { id: string }).id);
    }
    expect([ids[2] === ids[0], ids[1] === ids[0]]).toEqual([true, false]);
  });

  describe('its audit', () => {
    auditSpecs(() => stack);
  });
  describe('its logs', () => {
    canarySpecs(() => stack);
  });
  describe('an absent issuer', () => {
    issuerOutageSpecs(() => stack);
  });
});

function base64url(header: object): string {
  return Buffer.from(JSON.stringify(header)).toString('base64url');
}
