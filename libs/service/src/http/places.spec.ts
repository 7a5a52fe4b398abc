import { EventEmitter } from 'node:events';
import type { FastifyReply } from 'fastify';
import { describe, expect, it } from '@jest/globals';
import { Places } from './places.js';

const KIND = { setting: 'EXPORTS', name: 'open exports', code: 'too-many-exports' } as const;

function placesWith(perCaller: number, inTotal: number): Places {
  return new Places(KIND, { EXPORTS_PER_CALLER: perCaller, EXPORTS_IN_TOTAL: inTotal });
}

describe('places', () => {
  it('are limited for each caller with 429, and in total with 503, both with Retry-After', () => {
    const places = placesWith(2, 3);
    places.take('ann');
    places.take('ann');
    expect(() => places.take('ann')).toThrow(
      expect.objectContaining({
        status: 429,
        code: 'too-many-exports',
        detail: expect.stringMatching(/You have 2 open exports .*setting EXPORTS_PER_CALLER/),
        headers: { 'Retry-After': '5' },
      }),
    );
    places.take('bob');
    expect(() => places.take('eve')).toThrow(
      expect.objectContaining({
        status: 503,
        detail: expect.stringMatching(/All clients together have 3 .*EXPORTS_IN_TOTAL/),
        headers: { 'Retry-After': '5' },
      }),
    );
    expect(places.count).toBe(3);
  });

  it('are given back, once', () => {
    const places = placesWith(1, 2);
    const release = places.take('ann');
    release();
    places.take('ann');
    release();
    expect(places.count).toBe(1);
    expect(() => places.take('ann')).toThrow('You have 1');
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
