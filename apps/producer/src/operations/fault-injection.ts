import { HttpStatus } from '@nestjs/common';
import type { Caller } from '#service/auth/token-verifier.js';
import { insufficientScope } from '#service/auth/authenticate.js';
import { Problem } from '#service/http/problem.js';
import { documentedAt } from '#service/settings/settings.js';
import { hasFaults, type PopulateRequest } from './populate-request.js';

export interface FaultInjectionSettings {
  readonly ALLOW_FAULT_INJECTION: boolean;
  /** `undefined`: no tokens are required. */
  readonly AUTH_ISSUER?: string | undefined;
  readonly AUTH_AUDIENCE: string;
}

/** Allows populates with faulty records only where they are wanted, and only to callers who may inject faults. */
export class FaultInjection {
  constructor(private readonly settings: FaultInjectionSettings) {}

  /** @throws Problem 403 for a request with faults that is not allowed */
  check(request: PopulateRequest, caller: Caller | null): void {
    const { ALLOW_FAULT_INJECTION, AUTH_ISSUER, AUTH_AUDIENCE } = this.settings;
    if (!hasFaults(request)) return;
    if (!ALLOW_FAULT_INJECTION)
      throw new Problem(
        HttpStatus.FORBIDDEN,
        'fault-injection-off',
        `Faulty records are off. Send no \`faults\`, or start the producer with ALLOW_FAULT_INJECTION=true where test data are wanted (${documentedAt('ALLOW_FAULT_INJECTION')}).`,
      );
    if (AUTH_ISSUER !== undefined && caller?.scopes.has('faults:inject') !== true)
      throw insufficientScope('faults:inject', AUTH_AUDIENCE);
  }
}
