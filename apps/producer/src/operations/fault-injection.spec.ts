import { describe, expect, it } from '@jest/globals';
import { FaultInjection } from './fault-injection.js';
import { PopulateRequestSchema } from './populate-request.js';

const ISSUER = 'https://issuer.example';

function check(allowed: boolean, faults: object | undefined, scopes?: string[]): void {
  const issuer = scopes && { AUTH_ISSUER: ISSUER };
  const injection = new FaultInjection({ ALLOW_FAULT_INJECTION: allowed, AUTH_AUDIENCE: 'orders', ...issuer });
  const caller = scopes ? { subject: 'ann', clientId: null, scopes: new Set(scopes), validUntil: 0 } : null;
  injection.check(PopulateRequestSchema.parse({ count: 1, ...(faults && { faults }) }), caller);
}

describe('fault injection', () => {
  it('is refused unless the setting allows it, and the problem names the setting', () => {
    expect(() => check(false, { poison: 0.1 })).toThrow(
      expect.objectContaining({
        status: 403,
        code: 'fault-injection-off',
        detail: expect.stringContaining('ALLOW_FAULT_INJECTION=true'),
      }),
    );
    expect(() => check(true, { poison: 0.1 })).not.toThrow();
  });

  it('needs a scope of its own where tokens are required', () => {
    expect(() => check(true, { conflict: 1 }, ['orders:write'])).toThrow(
      expect.objectContaining({
        status: 403,
        code: 'insufficient-scope',
        headers: { 'WWW-Authenticate': expect.stringContaining('scope="faults:inject"') },
      }),
    );
    expect(() => check(true, { conflict: 1 }, ['orders:write', 'faults:inject'])).not.toThrow();
    expect(() => check(false, { conflict: 1 }, ['faults:inject'])).toThrow('ALLOW_FAULT_INJECTION');
  });

  it('is not needed by a populate without faults, or with shares of 0', () => {
    expect(() => check(false, undefined, ['orders:write'])).not.toThrow();
    expect(() => check(false, { poison: 0, duplicate: 0 })).not.toThrow();
  });
});
