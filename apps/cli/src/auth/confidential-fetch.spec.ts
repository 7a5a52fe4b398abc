import { describe, expect, it } from '@jest/globals';
import { confidentialFetch, isConfidential } from './confidential-fetch.js';

describe('an address that a secret may be sent to', () => {
  it.each([
    'https://issuer.test/token',
    'http://localhost:3003',
    'http://127.0.0.1:3003/token',
    'http://127.1/',
    'http://[::1]:3003/',
  ])('is %s', (address) => {
    expect(isConfidential(address)).toBe(true);
  });

  it.each([
    'http://issuer.test/token',
    'http://localhost.issuer.test/',
    'http://127.0.0.1.issuer.test/',
    'http://localhost@issuer.test/',
    'http://10.0.0.1/',
    'ftp://localhost/',
    'nowhere',
  ])('is not %s', async (address) => {
    expect(isConfidential(address)).toBe(false);
    const sent = confidentialFetch(address, { method: 'GET', headers: {}, body: undefined });
    await expect(sent).rejects.toMatchObject({ code: 'insecure-address', exitCode: 2 });
  });
});
