import { describe, expect, it } from '@jest/globals';
import { idempotencyKeyOf } from './idempotency-keys.js';

describe('an idempotency key', () => {
  it.each(['a', '8e03978e-40d5-43dd-bc93-6894a57f9324', '"quoted"', '~'.repeat(255)])('may be %s', (key) => {
    expect(idempotencyKeyOf(key)).toBe(key);
  });

  it('may be left out', () => {
    expect(idempotencyKeyOf(undefined)).toBeUndefined();
  });

  // Node joins a header that is given twice with a comma and a space.
  it.each(['', 'x'.repeat(256), 'a b', 'one, two', 'é', 'a\tb'])('is refused as %j, by its name', (key) => {
    expect(() => idempotencyKeyOf(key)).toThrow(
      expect.objectContaining({
        extensions: { errors: [expect.objectContaining({ field: 'Idempotency-Key', in: 'header' })] },
      }),
    );
  });
});
