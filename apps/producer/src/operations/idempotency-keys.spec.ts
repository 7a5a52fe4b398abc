import { describe, expect, it } from '@jest/globals';
import { parseIdempotencyKey } from './idempotency-keys.js';

describe('an idempotency key', () => {
  it.each(['a', '8e03978e-40d5-43dd-bc93-6894a57f9324', '"quoted"', '~'.repeat(255)])('is accepted as %s', (key) => {
    expect(parseIdempotencyKey(key)).toBe(key);
  });

  it("is the caller's own, if there is one", () => {
    expect(parseIdempotencyKey('a', { subject: 'ada' })).not.toBe(parseIdempotencyKey('a', { subject: 'bob' }));
    expect(parseIdempotencyKey('a', { subject: 'b c' })).not.toBe(parseIdempotencyKey('a', { subject: 'c' }));
    expect(parseIdempotencyKey('a', null)).toBe('a');
  });

  it('is optional', () => {
    expect(parseIdempotencyKey(undefined, { subject: 'ada' })).toBeUndefined();
  });

  // Node joins duplicate headers with a comma and a space.
  it.each(['', 'x'.repeat(256), 'a b', 'one, two', 'é', 'a\tb'])(
    'is rejected as %j, and the error names the header',
    (key) => {
      expect(() => parseIdempotencyKey(key)).toThrow(
        expect.objectContaining({
          extensions: { errors: [expect.objectContaining({ field: 'Idempotency-Key', in: 'header' })] },
        }),
      );
    },
  );
});
