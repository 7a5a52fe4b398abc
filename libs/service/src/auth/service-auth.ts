import { Gauge, type Registry } from 'prom-client';
import type { Logger } from 'pino';
import type { Clock } from '@orders-pipeline/clock';
import type { AuthSettings } from './auth-settings.js';
import { IssuerKeys } from './issuer-keys.js';
import { TokenVerifier } from './token-verifier.js';

/** How a service verifies tokens. */
export interface TokenCheck {
  readonly keys: IssuerKeys;
  readonly verifier: TokenVerifier;
}

/** Creates the verifier for these settings; `undefined` without an issuer. The keys are fetched once they are started. */
export function tokenCheck(
  settings: AuthSettings,
  parts: { readonly clock: Clock; readonly log: Pick<Logger, 'info' | 'warn'>; readonly registry: Registry },
): TokenCheck | undefined {
  const { AUTH_ISSUER: issuer } = settings;
  if (issuer === undefined) return undefined;
  const keys = new IssuerKeys({
    issuer,
    discoveryUrl: settings.AUTH_DISCOVERY_URL,
    allowsHttp: settings.AUTH_ALLOW_HTTP_ISSUER,
    maxAgeMs: 1_000 * settings.AUTH_KEYS_MAX_AGE_SECONDS,
    ...parts,
  });
  exposeIssuer(keys, parts.registry);
  const verifier = new TokenVerifier({
    issuer,
    audience: settings.AUTH_AUDIENCE,
    algorithms: settings.AUTH_ALGORITHMS,
    tokenType: settings.AUTH_TOKEN_TYPE,
    scopeClaim: settings.AUTH_SCOPE_CLAIM,
    keys: keys.find,
  });
  return { keys, verifier };
}

function exposeIssuer(keys: IssuerKeys, registry: Registry): void {
  const up: Gauge = new Gauge({
    name: 'auth_issuer_up',
    help: '1 if the keys of the token issuer could be fetched the last time, else 0: known keys then stay valid for AUTH_KEYS_MAX_AGE_SECONDS',
    registers: [registry],
    collect: () => up.set(Number(!keys.isAway && keys.ageMs !== undefined)),
  });
  const age: Gauge = new Gauge({
    name: 'auth_keys_age_seconds',
    help: 'Time since the keys of the token issuer were fetched; absent before the first time',
    registers: [registry],
    collect: () => {
      age.reset();
      if (keys.ageMs !== undefined) age.set(keys.ageMs / 1_000);
      else age.remove();
    },
  });
}
