import { describe, expect, it } from '@jest/globals';
import { reconciliationOf } from './reconciliation.js';

describe('the answer to a reconciliation', () => {
  it('is kept whole', () => {
    const answer = { verdict: 'holds', ordersPerSecond: 70_000.5, seconds: 12, missing: [] };
    expect(reconciliationOf(200, JSON.stringify(answer))).toEqual({ answer });
  });

  it.each([404, 501])('says that a producer can not do it that answers %d', (status) => {
    expect(reconciliationOf(status, '{"title":"…"}')).toEqual({ reason: 'not available' });
  });

  it('is a failure where it is another one, or no JSON, or says something else', () => {
    expect(reconciliationOf(503, 'away').reason).toBe('failed with 503: away');
    expect(reconciliationOf(200, 'hm').reason).toMatch(/^failed: /);
    expect(reconciliationOf(200, '{"verdict":"perhaps"}').reason).toMatch(/^failed: .*verdict/s);
  });
});
