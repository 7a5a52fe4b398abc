import { describe, expect, it, jest } from '@jest/globals';
import { generateKeyPair, SignJWT } from 'jose';
import { systemClock } from '@orders-pipeline/clock';
import { TokenVerifier } from './token-verifier.js';

/** Everything but `Date`. */
const NOT_FAKED = [
  'hrtime',
  'nextTick',
  'performance',
  'queueMicrotask',
  'setImmediate',
  'clearImmediate',
  'setInterval',
  'clearInterval',
  'setTimeout',
  'clearTimeout',
] as const;

const HOUR_MS = 3_600_000;
const LEEWAY_MS = 30_000;

describe('a verified token', () => {
  it.each([2 * HOUR_MS, -2 * HOUR_MS])(
    'lasts as long as its issuer says after a correction of the clock by %i ms',
    async (correctedByMs) => {
      const { privateKey, publicKey } = await generateKeyPair('ES256');
      const options = { issuer: 'issuer', audience: 'here', algorithms: ['ES256'], tokenType: 'at+jwt' } as const;
      const verifier = new TokenVerifier({ ...options, scopeClaim: 'scope', keys: async () => publicKey });
      const now = Date.now() + correctedByMs;
      // The clock of the process still counts from the time at its start.
      jest.useFakeTimers({ now, doNotFake: [...NOT_FAKED] });
      try {
        const token = await new SignJWT({ scope: 'orders:read' })
          .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt' })
          .setIssuer('issuer')
          .setAudience('here')
          .setSubject('ada')
          .setExpirationTime(new Date(Math.floor(now / 1_000) * 1_000 + 60_000))
          .sign(privateKey);
        const before = systemClock.now();
        const { validUntil } = await verifier.verify(token);
        expect(validUntil - systemClock.now()).toBeLessThanOrEqual(60_000 + LEEWAY_MS);
        expect(validUntil - before).toBeGreaterThan(59_000 + LEEWAY_MS - 1);
      } finally {
        jest.useRealTimers();
      }
    },
  );
});
