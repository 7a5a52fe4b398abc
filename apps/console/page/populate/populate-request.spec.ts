import { describe, expect, it } from '@jest/globals';
import { toPopulateRequest } from './populate-request.js';

describe('the request of the populate form', () => {
  it('leaves empty fields to the defaults of the service', () => {
    expect(JSON.stringify(toPopulateRequest({ count: 7 }))).toBe('{"count":7}');
  });

  it('has faults as fractions, and none without any', () => {
    expect(toPopulateRequest({ count: 7, seed: 0, poison: 0, conflict: 2.5, duplicate: 100 })).toMatchObject({
      seed: 0,
      faults: { conflict: 0.025, duplicate: 1 },
    });
    expect(toPopulateRequest({ count: 7, poison: 0 })).not.toHaveProperty('faults');
  });
});
