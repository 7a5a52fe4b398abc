import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type FetchImplementation } from 'jose';
import { discoveredKeys, type DiscoveryOptions } from './discovered-keys.js';
import { IssuerUnavailableError, TokenRefusal, TokenVerifier } from './token-verifier.js';

const ISSUER = 'https://issuer.example/realm';

interface Key {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
}

describe('keys of a provider', () => {
  let published: Key[];
  let requested: string[];
  let isUnavailable: boolean;

  beforeEach(async () => {
    jest.useFakeTimers({
      now: new Date('2026-01-31T12:00:00Z'),
      doNotFake: ['queueMicrotask', 'nextTick', 'setImmediate'],
    });
    published = [await newKey('first')];
    requested = [];
    isUnavailable = false;
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  const fetch: FetchImplementation = async (url) => {
    requested.push(url);
    if (isUnavailable) throw new TypeError('fetch failed');
    if (url.endsWith('openid-configuration')) return Response.json({ issuer: ISSUER, jwks_uri: `${ISSUER}/keys` });
    const keys = await Promise.all(
      published.map(async ({ kid, publicKey }) => ({ ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' })),
    );
    return Response.json({ keys });
  };

  function verifier(options: Partial<DiscoveryOptions> = {}): TokenVerifier {
    return new TokenVerifier({
      issuer: ISSUER,
      audience: 'orders',
      algorithms: ['RS256'],
      tokenType: 'at+jwt',
      scopeClaim: 'scp',
      keys: discoveredKeys({ issuer: ISSUER, fetch, ...options }),
    });
  }

  it('are found by discovery for the first token, and cached', async () => {
    const tokens = verifier();
    expect(requested).toEqual([]);
    for (let n = 0; n < 3; n += 1)
      expect(await tokens.verify(await token(published[0]))).toEqual({
        subject: 'ada',
        clientId: null,
        scopes: new Set(['orders:read', 'orders:write']),
        validUntil: expect.any(Number),
      });
    expect(requested).toEqual([`${ISSUER}/.well-known/openid-configuration`, `${ISSUER}/keys`]);
  });

  it('are fetched again for an unknown key, at most once per 30 seconds', async () => {
    const tokens = verifier();
    await tokens.verify(await token(published[0]));
    const rotated = await newKey('second');
    published = [rotated];
    await expect(tokens.verify(await token(rotated))).rejects.toThrow('an unknown key');
    jest.setSystemTime(Date.now() + 31_000);
    expect(await tokens.verify(await token(rotated))).toMatchObject({ subject: 'ada' });
    for (let n = 0; n < 5; n += 1)
      await expect(tokens.verify(await token(await newKey('never published')))).rejects.toThrow(TokenRefusal);
    expect(requested.filter((url) => url.endsWith('/keys'))).toHaveLength(2);
  });

  it('are accepted for at most ten minutes after they were revoked', async () => {
    const [revoked] = published;
    const tokens = verifier();
    await tokens.verify(await token(revoked));
    published = [await newKey('second')];
    jest.setSystemTime(Date.now() + 601_000);
    await expect(tokens.verify(await token(revoked))).rejects.toThrow(TokenRefusal);
  });

  it('are not guessed for a token without a key id, if there are several', async () => {
    const [first] = published;
    published = [...published, await newKey('second')];
    await expect(verifier().verify(await token(first && { ...first, kid: '' }))).rejects.toThrow(TokenRefusal);
  });

  it('are fetched once the provider is available again; until then the token is not blamed', async () => {
    const tokens = verifier();
    isUnavailable = true;
    await expect(tokens.verify(await token(published[0]))).rejects.toThrow(IssuerUnavailableError);
    isUnavailable = false;
    expect(await tokens.verify(await token(published[0]))).toMatchObject({ subject: 'ada' });
  });

  it('are fetched from the discovery address, even if the provider advertises another one', async () => {
    const discoveryUrl = 'http://issuer:3003/realm/';
    await verifier({ discoveryUrl }).verify(await token(published[0]));
    expect(requested).toEqual([
      'http://issuer:3003/realm/.well-known/openid-configuration',
      'http://issuer:3003/realm/keys',
    ]);
  });

  it('are rejected from a provider with another issuer name', async () => {
    const tokens = verifier({ issuer: `${ISSUER}/` });
    await expect(tokens.verify(await token(published[0]))).rejects.toThrow('(setting AUTH_ISSUER)');
  });
});

async function newKey(kid: string): Promise<Key> {
  return { kid, ...(await generateKeyPair('RS256')) };
}

async function token(key: Key | undefined): Promise<string> {
  if (key === undefined) throw new Error('no key');
  return new SignJWT({ scp: ['orders:read', 'orders:write', 7] })
    .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', ...(key.kid !== '' && { kid: key.kid }) })
    .setIssuer(ISSUER)
    .setAudience('orders')
    .setSubject('ada')
    .setExpirationTime(Math.floor(Date.now() / 1_000) + 3_600)
    .sign(key.privateKey);
}
