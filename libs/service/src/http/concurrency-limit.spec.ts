import { EventEmitter } from 'node:events';
import makeFastify, { type FastifyReply } from 'fastify';
import { describe, expect, it } from '@jest/globals';
import { callerKey, ConcurrencyLimit } from './concurrency-limit.js';

function placesWith(perCaller: number, inTotal: number): ConcurrencyLimit {
  const kind = { setting: 'EXPORTS', name: 'open exports', code: 'too-many-exports' } as const;
  return new ConcurrencyLimit(kind, { EXPORTS_PER_CALLER: perCaller, EXPORTS_IN_TOTAL: inTotal });
}

describe('places', () => {
  it('are limited for each caller with 429, and in total with 503, both with Retry-After', () => {
    const places = placesWith(2, 3);
    places.take('ann');
    places.take('ann');
    const common = { code: 'too-many-exports', headers: { 'Retry-After': '5' } };
    const own = expect.stringMatching(/You have 2 open exports .*setting EXPORTS_PER_CALLER/);
    expect(() => places.take('ann')).toThrow(expect.objectContaining({ ...common, status: 429, detail: own }));
    places.take('bob');
    const all = expect.stringMatching(/All clients together have 3 .*EXPORTS_IN_TOTAL/);
    expect(() => places.take('eve')).toThrow(expect.objectContaining({ ...common, status: 503, detail: all }));
    expect(places.count).toBe(3);
  });

  it('are given back, once, and the others of the caller still count', () => {
    const places = placesWith(2, 9);
    const release = places.take('ann');
    places.take('ann');
    release();
    places.take('ann');
    release();
    expect(places.count).toBe(2);
    expect(() => places.take('ann')).toThrow('You have 2');
  });

  it('are not limited by 0', () => {
    const places = placesWith(0, 0);
    for (let taken = 0; taken < 1_000; taken += 1) places.take('ann');
    expect(places.count).toBe(1_000);
  });

  it('are held until the response is closed, and not at all if it was closed before', () => {
    const places = placesWith(1, 1);
    const response = Object.assign(new EventEmitter(), { destroyed: false });
    const reply = { raw: response } as unknown as FastifyReply;
    const request = { caller: null, ip: '::ffff:10.0.0.1' };
    places.hold(request, reply);
    // The request is repeated.
    places.hold(request, reply);
    expect(places.count).toBe(1);
    response.emit('close');
    expect(places.count).toBe(0);
    response.destroyed = true;
    places.hold(request, reply);
    expect(places.count).toBe(0);
  });
});

describe('the caller that a limit counts', () => {
  it.each([
    ['the connection, whatever a client claims', false, '10.0.0.1', '203.0.113.7', '10.0.0.1'],
    ['the connection, if it is not that of a proxy', ['10.0.0.0/8'], '203.0.113.9', '203.0.113.7', '203.0.113.9'],
    ['the client of a trusted proxy', ['10.0.0.0/8'], '10.0.0.1', '203.0.113.7', '203.0.113.7'],
    ['this client, not what it has added', ['10.0.0.0/8'], '10.0.0.1', '192.0.2.1, 203.0.113.7', '203.0.113.7'],
  ])('without a token is the address of %s', async (_, trustProxy, remoteAddress, forwardedFor, key) => {
    const app = makeFastify({ trustProxy });
    app.decorateRequest('caller', null);
    app.get('/', (request) => callerKey(request));
    const headers = { 'x-forwarded-for': forwardedFor };
    expect((await app.inject({ url: '/', remoteAddress, headers })).payload).toBe(key);
  });

  it('is the subject of a token', () => {
    const caller = { subject: 'ann', clientId: null, scopes: new Set<string>(), validUntil: 0 };
    expect(callerKey({ caller, ip: '10.0.0.1' })).toBe('ann');
  });
});
