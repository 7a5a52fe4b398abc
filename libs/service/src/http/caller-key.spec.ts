import { describe, expect, it } from '@jest/globals';
import makeFastify from 'fastify';
import { callerKey } from './caller-key.js';

/** Returns the key of a caller without a token. @param from the address of the connection */
async function keyOf(trustProxy: string[] | false, from: string, forwardedFor: string): Promise<string> {
  const fastify = makeFastify({ trustProxy });
  fastify.decorateRequest('caller', null);
  fastify.get('/', (request) => callerKey(request));
  const headers = { 'x-forwarded-for': forwardedFor };
  return (await fastify.inject({ url: '/', remoteAddress: from, headers })).payload;
}

describe('the caller that a limit counts', () => {
  it('is the address of the connection, whatever a client claims', async () => {
    expect(await keyOf(false, '10.0.0.1', '203.0.113.7')).toBe('10.0.0.1');
    expect(await keyOf(['10.0.0.0/8'], '203.0.113.9', '203.0.113.7')).toBe('203.0.113.9');
  });

  it('is the client of a trusted proxy, and not an address that this client has added', async () => {
    expect(await keyOf(['10.0.0.0/8'], '10.0.0.1', '203.0.113.7')).toBe('203.0.113.7');
    expect(await keyOf(['10.0.0.0/8'], '10.0.0.1', '192.0.2.1, 203.0.113.7')).toBe('203.0.113.7');
  });

  it('is the subject of a token', () => {
    const caller = { subject: 'ann', clientId: null, scopes: new Set<string>(), validUntil: 0 };
    expect(callerKey({ caller, ip: '10.0.0.1' })).toBe('ann');
  });
});
