import { describe, expect, it } from '@jest/globals';
import { pageTokenSecret } from './page-token-secret.js';

const AUTH_ISSUER = 'https://issuer.example';
const PRODUCTION = { NODE_ENV: 'production' };

describe('the secret of page tokens', () => {
  it('is the setting', () => {
    expect(pageTokenSecret({ AUTH_ISSUER, PAGE_TOKEN_SECRET: 'given' }, PRODUCTION)).toBe('given');
  });

  it('is random without the setting, for development', () => {
    const secret = pageTokenSecret({ AUTH_ISSUER }, {});
    expect(secret).toMatch(/^[\da-f]{64}$/);
    expect(pageTokenSecret({}, PRODUCTION)).not.toBe(secret);
  });

  it('is required in production: instances must accept each other’s tokens', () => {
    expect(() => pageTokenSecret({ AUTH_ISSUER }, PRODUCTION)).toThrow(/^PAGE_TOKEN_SECRET: must be set/);
  });
});
