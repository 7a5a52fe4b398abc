import { z } from 'zod';
import { isLoopback } from '../http/known-hosts.js';
import { SettingsError } from '../settings.js';

/** Only signatures by a key pair: with a shared secret, every service that verifies tokens could also issue them. */
const ALGORITHMS = ['RS256', 'ES256', 'EdDSA'] as const;
export type SignatureAlgorithm = (typeof ALGORITHMS)[number];

const address = z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// address' });

/** Settings for the verification of tokens. Without AUTH_ISSUER a service accepts every request, but only from this machine. */
export const authSettings = {
  /** Exactly the provider's issuer name, including a trailing slash: tokens contain it in this form. */
  AUTH_ISSUER: address.optional(),
  /** The address of its discovery document, if the issuer's own address is not reachable from here. */
  AUTH_DISCOVERY_URL: address.optional(),
  AUTH_AUDIENCE: z.string().default('orders'),
  AUTH_ALGORITHMS: z
    .string()
    .default(ALGORITHMS.join(','))
    .transform((text) => text.split(',').map((name) => name.trim()))
    .refine(
      (names): names is SignatureAlgorithm[] => names.every((name) => ALGORITHMS.some((known) => known === name)),
      `must be a comma-separated list of ${ALGORITHMS.join(', ')}`,
    ),
  /** The `typ` of an access token: `at+jwt` by RFC 9068; many providers write `JWT`. */
  AUTH_TOKEN_TYPE: z.string().default('at+jwt'),
  /** The claim with the scopes, as space-separated text or as a list. */
  AUTH_SCOPE_CLAIM: z.string().default('scope'),
};

/** The parsed `authSettings`. */
export interface AuthSettings {
  readonly AUTH_ISSUER?: string | undefined;
  readonly AUTH_DISCOVERY_URL?: string | undefined;
  readonly AUTH_AUDIENCE: string;
  readonly AUTH_ALGORITHMS: readonly SignatureAlgorithm[];
  readonly AUTH_TOKEN_TYPE: string;
  readonly AUTH_SCOPE_CLAIM: string;
}

/**
 * Rejects an unprotected service (fails closed). Without an issuer, a service must listen on loopback and not in production.
 * @throws SettingsError with the setting to change
 */
export function rejectOpenService(
  settings: AuthSettings & { readonly LISTEN_HOST: string },
  { NODE_ENV }: NodeJS.ProcessEnv,
): void {
  if (settings.AUTH_ISSUER !== undefined) return;
  const why =
    NODE_ENV === 'production'
      ? 'NODE_ENV is production'
      : isLoopback(settings.LISTEN_HOST)
        ? undefined
        : `LISTEN_HOST ${settings.LISTEN_HOST} is reachable from other machines`;
  if (why === undefined) return;
  throw new SettingsError(
    `AUTH_ISSUER: must be set, since ${why}: without tokens, every client could read and write orders. Set it to the token issuer, or listen on 127.0.0.1.`,
  );
}
