import { hash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { ClientKeys, givenKey } from './clients.js';

const OLD = 'a'.repeat(32);
const NEW = 'b'.repeat(43);
const fileOf = (clients: readonly object[]) => JSON.stringify({ clients });
const FILE = fileOf([
  { name: 'billing', keys: [hash('sha256', OLD), hash('sha256', NEW)] },
  { name: 'web', keys: [hash('sha256', 'c'.repeat(32))] },
]);
const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });

describe('the API keys of clients', () => {
  const keys = ClientKeys.parse(FILE);
  const clientOf = (headers: Parameters<typeof givenKey>[0]) => {
    const given = givenKey(headers);
    return given && keys.clientOf(given);
  };

  it('name the client, by X-Api-Key or as the password of basic authentication', () => {
    expect(clientOf({ 'x-api-key': OLD })).toBe('billing');
    expect(clientOf(basic(`billing:${NEW}`))).toBe('billing');
    expect(clientOf(basic(`web:${'c'.repeat(32)}`))).toBe('web');
  });

  it('reject a wrong key, a key of another client, and requests without any', () => {
    expect(clientOf({ 'x-api-key': 'd'.repeat(32) })).toBeUndefined();
    expect(clientOf({ 'x-api-key': hash('sha256', OLD) })).toBeUndefined();
    expect(clientOf(basic(`web:${OLD}`))).toBeUndefined();
    expect(clientOf(basic('billing'))).toBeUndefined();
    expect(clientOf({ authorization: `Bearer ${OLD}` })).toBeUndefined();
    expect(clientOf({})).toBeUndefined();
  });

  it('reject a key that could be found by trying, even if its hash is in the file', () => {
    const short = ClientKeys.parse(fileOf([{ name: 'web', keys: [hash('sha256', 'secret')] }]));
    expect(short.clientOf({ key: 'secret' })).toBeUndefined();
  });

  it('are not read in production from a file with the public key of the repository', () => {
    const file = fileOf([{ name: 'demo', keys: [hash('sha256', 'demo-key-of-the-legacy-api-clients')] }]);
    expect(() => ClientKeys.parse(file)).not.toThrow();
    expect(() => ClientKeys.parse(file, true)).toThrow('the client demo has the demo key, which is public: replace');
  });

  it.each([
    ['', 'is not JSON'],
    ['{}', 'clients '],
    [fileOf([{ name: 'web', keys: ['secret'] }]), 'clients.0.keys.0 must be the SHA-256 of a key'],
    [fileOf([{ name: 'a b', keys: [hash('sha256', OLD)] }]), 'clients.0.name must be'],
    [fileOf([{ name: 'web', keys: [] }]), 'clients.0.keys '],
    [fileOf([{ name: 'web', keys: [hash('sha256', OLD)], key: OLD }]), 'clients.0 '],
    [
      fileOf([1, 2].map((n) => ({ name: `c${n}`, keys: [hash('sha256', OLD)] }))),
      'the clients c1 and c2 have the same key',
    ],
  ])('are not read from a wrong file: %s', (text, message) => {
    expect(() => ClientKeys.parse(text)).toThrow(message);
  });
});
