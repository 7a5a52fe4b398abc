import { beforeEach, describe, expect, it } from '@jest/globals';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type FetchImplementation } from 'jose';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import { IssuerKeys, type IssuerKeysOptions } from './issuer-keys.js';
import { IssuerUnavailableError, TokenRefusal, TokenVerifier } from './token-verifier.js';

const ISSUER = 'https://issuer.example/realm';
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

interface Key {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
}

describe('keys of a provider', () => {
  let clock: ManualClock;
  let published: Key[];
  let requested: string[];
  let logged: string[];
  let isUnavailable: boolean;

  beforeEach(async () => {
    clock = new ManualClock();
    published = [await newKey('first')];
    requested = [];
    logged = [];
    isUnavailable = false;
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

  function log(_fields: object, text: string): void {
    logged.push(text);
  }

  function keysOf(options: Partial<IssuerKeysOptions> = {}): IssuerKeys {
    const parts = { clock, fetch, log: { info: log, warn: log } as never, maxAgeMs: DAY_MS, allowsHttp: false };
    return new IssuerKeys({ issuer: ISSUER, ...parts, ...options });
  }

  function verifier(keys = keysOf()): TokenVerifier {
    return new TokenVerifier({
      issuer: ISSUER,
      audience: 'orders',
      algorithms: ['RS256'],
      tokenType: 'at+jwt',
      scopeClaim: 'scp',
      keys: keys.find,
    });
  }

  it('are fetched when they are started, and by no request', async () => {
    const keys = keysOf();
    keys.start();
    await settle();
    expect(requested).toEqual([`${ISSUER}/.well-known/openid-configuration`, `${ISSUER}/keys`]);
    for (let n = 0; n < 3; n += 1)
      expect(await verifier(keys).verify(await token(published[0]))).toEqual({
        subject: 'ada',
        clientId: null,
        scopes: new Set(['orders:read', 'orders:write']),
        validUntil: expect.any(Number),
      });
    expect(requested).toHaveLength(2);
  });

  it('are fetched again for an unknown key, at most once per 30 seconds', async () => {
    const tokens = verifier();
    await tokens.verify(await token(published[0]));
    const rotated = await newKey('second');
    published = [rotated];
    await expect(tokens.verify(await token(rotated))).rejects.toThrow('an unknown key');
    await clock.advance(31_000);
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
    await clock.advance(10 * MINUTE_MS);
    await settle();
    await expect(tokens.verify(await token(revoked))).rejects.toThrow(TokenRefusal);
  });

  it('stay valid while the provider is away, for a day, and no request waits for it', async () => {
    const keys = keysOf();
    const tokens = verifier(keys);
    await tokens.verify(await token(published[0]));
    isUnavailable = true;
    await clock.advance(23 * 60 * MINUTE_MS);
    const attempts = requested.length;
    expect(await tokens.verify(await token(published[0]))).toMatchObject({ subject: 'ada' });
    expect(requested).toHaveLength(attempts);
    await expect(keys.requireKeys()).resolves.toBeUndefined();
    await clock.advance(60 * MINUTE_MS);
    await expect(tokens.verify(await token(published[0]))).rejects.toThrow(IssuerUnavailableError);
    await expect(keys.requireKeys()).rejects.toThrow('AUTH_KEYS_MAX_AGE_SECONDS');
  });

  it('do not blame a token with an unknown key while the provider is away: it may be new', async () => {
    const tokens = verifier();
    await tokens.verify(await token(published[0]));
    isUnavailable = true;
    const rotated = await newKey('second');
    published = [rotated];
    await clock.advance(31_000);
    await expect(tokens.verify(await token(rotated))).rejects.toThrow(IssuerUnavailableError);
    isUnavailable = false;
    await clock.advance(10_000);
    expect(await tokens.verify(await token(rotated))).toMatchObject({ subject: 'ada' });
  });

  it('are refreshed in the background once the provider is available again, with one log line per change', async () => {
    isUnavailable = true;
    const keys = keysOf();
    keys.start();
    await clock.advance(10 * MINUTE_MS);
    expect([keys.isAway, keys.ageMs]).toEqual([true, undefined]);
    await expect(keys.requireKeys()).rejects.toThrow('not fetched yet');
    isUnavailable = false;
    await clock.advance(10_000);
    await settle();
    await expect(keys.requireKeys()).resolves.toBeUndefined();
    expect(logged).toEqual(['the token issuer is unavailable', 'the token issuer is available again']);
  });

  it('are kept when the provider answers without keys', async () => {
    const tokens = verifier();
    const [known] = published;
    await tokens.verify(await token(known));
    published = [];
    await clock.advance(20 * MINUTE_MS);
    expect(await tokens.verify(await token(known))).toMatchObject({ subject: 'ada' });
    expect(logged).toEqual(['the token issuer is unavailable']);
  });

  it('are not guessed for a token without a key id, if there are several', async () => {
    const [first] = published;
    published = [...published, await newKey('second')];
    await expect(verifier().verify(await token(first && { ...first, kid: '' }))).rejects.toThrow(TokenRefusal);
  });

  it('are fetched from the discovery address, even if the provider advertises another one', async () => {
    const discoveryUrl = 'http://issuer:3003/realm/';
    await verifier(keysOf({ discoveryUrl, allowsHttp: true })).verify(await token(published[0]));
    expect(requested).toEqual([
      'http://issuer:3003/realm/.well-known/openid-configuration',
      'http://issuer:3003/realm/keys',
    ]);
  });

  it('are not fetched by plain http from another machine, unless a setting allows it', async () => {
    const document = { issuer: ISSUER, jwks_uri: 'http://keys.example/keys' };
    const keys = keysOf({ fetch: async () => Promise.resolve(Response.json(document)) });
    await expect(verifier(keys).verify(await token(published[0]))).rejects.toThrow(IssuerUnavailableError);
    expect(keys.isAway).toBe(true);
  });

  it('are rejected from a provider with another issuer name', async () => {
    const reasons: string[] = [];
    const warn = ({ reason }: { reason: string }): void => void reasons.push(reason);
    const tokens = verifier(keysOf({ issuer: `${ISSUER}/`, log: { info: warn, warn } as never }));
    await expect(tokens.verify(await token(published[0]))).rejects.toThrow(IssuerUnavailableError);
    expect(reasons).toEqual([expect.stringContaining('(setting AUTH_ISSUER)')]);
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
