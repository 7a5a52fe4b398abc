import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type FetchImplementation } from 'jose';
import { systemClock } from '@orders-pipeline/clock';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import {
  IssuerKeys,
  type IssuerKeysOptions,
  IssuerUnavailableError,
  TokenRefusal,
  TokenVerifier,
  type Caller,
} from './token-verifier.js';

const ISSUER = 'https://issuer.example/realm';
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const LEEWAY_MS = 30 * SECOND;
const EXPECTED = {
  AUTH_ISSUER: ISSUER,
  AUTH_AUDIENCE: 'orders',
  AUTH_ALGORITHMS: ['RS256' as const],
  AUTH_TOKEN_TYPE: 'at+jwt',
  AUTH_SCOPE_CLAIM: 'scp',
};

interface Key {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
}

async function newKey(kid: string): Promise<Key> {
  return { kid, ...(await generateKeyPair('RS256')) };
}

/** Returns a token of `ada` that this key has signed. */
async function tokenOf({ kid, privateKey }: Key, expiresAt = systemClock.now() + HOUR): Promise<string> {
  return new SignJWT({ scp: ['orders:read', 'orders:write', 7] })
    .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', ...(kid !== '' && { kid }) })
    .setIssuer(ISSUER)
    .setAudience('orders')
    .setSubject('ada')
    .setExpirationTime(Math.floor(expiresAt / SECOND))
    .sign(privateKey);
}

describe('the keys of an issuer', () => {
  let clock: ManualClock;
  let first: Key;
  let second: Key;
  let published: Key[];
  let requested: string[];
  let logged: string[];
  let isUnavailable: boolean;
  let keys: IssuerKeys;

  beforeEach(async () => {
    clock = new ManualClock();
    [first, second] = [await newKey('first'), await newKey('second')];
    published = [first];
    requested = [];
    logged = [];
    isUnavailable = false;
    keys = keysOf();
  });

  const fetch: FetchImplementation = async (url) => {
    requested.push(url);
    if (isUnavailable) throw new TypeError('fetch failed');
    if (url.endsWith('openid-configuration')) return Response.json({ issuer: ISSUER, jwks_uri: `${ISSUER}/keys` });
    const all = published.map(async ({ kid, publicKey }) =>
      Object.assign(await exportJWK(publicKey), { kid, alg: 'RS256', use: 'sig' }),
    );
    return Response.json({ keys: await Promise.all(all) });
  };

  function write(_fields: object, text: string): void {
    logged.push(text);
  }

  function keysOf(options: Partial<IssuerKeysOptions> = {}): IssuerKeys {
    const log = { info: write, warn: write } as never;
    return new IssuerKeys({ issuer: ISSUER, clock, fetch, log, maxAgeMs: DAY, allowsHttp: false, ...options });
  }

  async function verify(key: Key, by = keys): Promise<Caller> {
    return new TokenVerifier(EXPECTED, by.find).verify(await tokenOf(key));
  }

  it('are fetched when they are started, and by no request', async () => {
    keys.start();
    await settle();
    expect(requested).toEqual([`${ISSUER}/.well-known/openid-configuration`, `${ISSUER}/keys`]);
    for (let n = 0; n < 3; n += 1)
      expect(await verify(first)).toEqual({
        subject: 'ada',
        clientId: null,
        scopes: new Set(['orders:read', 'orders:write']),
        validUntil: expect.any(Number),
      });
    expect(requested).toHaveLength(2);
  });

  it('are fetched again for an unknown key, at most once per 30 seconds', async () => {
    await verify(first);
    published = [second];
    await expect(verify(second)).rejects.toThrow('an unknown key');
    await clock.advance(31 * SECOND);
    expect(await verify(second)).toMatchObject({ subject: 'ada' });
    const unpublished = await newKey('never published');
    for (let n = 0; n < 5; n += 1) await expect(verify(unpublished)).rejects.toThrow(TokenRefusal);
    expect(requested.filter((url) => url.endsWith('/keys'))).toHaveLength(2);
  });

  it('are accepted for at most ten minutes after they were revoked', async () => {
    await verify(first);
    published = [second];
    await clock.advance(10 * MINUTE);
    await settle();
    await expect(verify(first)).rejects.toThrow(TokenRefusal);
  });

  it('stay valid while the issuer is unavailable, for a day, and no request waits for it', async () => {
    await verify(first);
    isUnavailable = true;
    await clock.advance(23 * HOUR);
    const attempts = requested.length;
    expect(await verify(first)).toMatchObject({ subject: 'ada' });
    expect(requested).toHaveLength(attempts);
    await expect(keys.requireKeys()).resolves.toBeUndefined();
    await clock.advance(HOUR);
    await expect(verify(first)).rejects.toThrow(IssuerUnavailableError);
    await expect(keys.requireKeys()).rejects.toThrow('AUTH_KEYS_MAX_AGE_SECONDS');
  });

  it('do not blame a token with an unknown key while the issuer is unavailable: it may be new', async () => {
    await verify(first);
    isUnavailable = true;
    published = [second];
    await clock.advance(31 * SECOND);
    await expect(verify(second)).rejects.toThrow(IssuerUnavailableError);
    isUnavailable = false;
    await clock.advance(10 * SECOND);
    expect(await verify(second)).toMatchObject({ subject: 'ada' });
  });

  it('are refreshed in the background once the issuer is available again, with one log line per change', async () => {
    isUnavailable = true;
    keys.start();
    await clock.advance(10 * MINUTE);
    expect([keys.isAway, keys.ageMs]).toEqual([true, undefined]);
    await expect(keys.requireKeys()).rejects.toThrow('not fetched yet');
    isUnavailable = false;
    await clock.advance(10 * SECOND);
    await settle();
    await expect(keys.requireKeys()).resolves.toBeUndefined();
    expect(logged).toEqual(['the token issuer is unavailable', 'the token issuer is available again']);
  });

  it('are kept when the issuer answers without keys', async () => {
    await verify(first);
    published = [];
    await clock.advance(20 * MINUTE);
    expect(await verify(first)).toMatchObject({ subject: 'ada' });
    expect(logged).toEqual(['the token issuer is unavailable']);
  });

  it('are not guessed for a token without a key id, if there are several', async () => {
    published = [first, second];
    await expect(verify({ ...first, kid: '' })).rejects.toThrow(TokenRefusal);
  });

  it('are fetched from the discovery address, even if the issuer advertises another one', async () => {
    const discoveryUrl = 'http://issuer:3003/realm/';
    await verify(first, keysOf({ discoveryUrl, allowsHttp: true }));
    expect(requested).toEqual([`${discoveryUrl}.well-known/openid-configuration`, `${discoveryUrl}keys`]);
  });

  it('are not fetched by plain http from another machine, unless a setting allows it', async () => {
    const document = { issuer: ISSUER, jwks_uri: 'http://keys.example/keys' };
    keys = keysOf({ fetch: async () => Promise.resolve(Response.json(document)) });
    await expect(verify(first)).rejects.toThrow(IssuerUnavailableError);
    expect(keys.isAway).toBe(true);
  });

  it('are rejected from an issuer with another name', async () => {
    const reasons: string[] = [];
    const warn = ({ reason }: { reason: string }): void => void reasons.push(reason);
    keys = keysOf({ issuer: `${ISSUER}/`, log: { info: warn, warn } as never });
    await expect(verify(first)).rejects.toThrow(IssuerUnavailableError);
    expect(reasons).toEqual([expect.stringContaining('(setting AUTH_ISSUER)')]);
  });
});

describe('a verified token', () => {
  it.each([2 * HOUR, -2 * HOUR])(
    'lasts as long as its issuer says after a correction of the clock by %i ms',
    async (correctedByMs) => {
      const key = await newKey('only');
      const verifier = new TokenVerifier(EXPECTED, async () => key.publicKey);
      const now = systemClock.now() + correctedByMs;
      // The clock of the process still counts from the time at its start.
      jest.useFakeTimers({ now, doNotFake: ['performance', 'nextTick', 'queueMicrotask', 'setImmediate'] });
      try {
        const token = await tokenOf(key, now + MINUTE);
        const before = systemClock.now();
        const { validUntil } = await verifier.verify(token);
        expect(validUntil - systemClock.now()).toBeLessThanOrEqual(MINUTE + LEEWAY_MS);
        expect(validUntil - before).toBeGreaterThan(MINUTE - SECOND + LEEWAY_MS - 1);
      } finally {
        jest.useRealTimers();
      }
    },
  );
});
