import { z } from 'zod';
import { isLoopback, isConfidential } from '../http/known-hosts.js';
import { documentedAt, httpAddress, SettingsError, wholeNumber } from '../settings/settings.js';

/** Only signatures by a key pair: with a shared secret, every service that verifies tokens could also issue them. */
const ALGORITHMS = ['RS256', 'ES256', 'EdDSA'] as const;
export type SignatureAlgorithm = (typeof ALGORITHMS)[number];

/** Settings for the verification of tokens. Without AUTH_ISSUER a service accepts every request, but only from this machine. */
export const authSettings = {
  AUTH_ISSUER: httpAddress().optional().meta({
    description:
      'The accepted token issuer, exactly as in `iss`, trailing slash included. Unset: no tokens, loopback only.',
  }),
  AUTH_DISCOVERY_URL: httpAddress().optional().meta({
    description: "The provider's address, if its name in `AUTH_ISSUER` is not reachable from the service.",
  }),
  AUTH_ALLOW_HTTP_ISSUER: z
    .enum(['true', 'false'])
    .default('false')
    .transform((text) => text === 'true')
    .meta({
      description:
        '`true`: the issuer may be at a plain http address on another machine; for development, since its keys could be replaced on the way.',
    }),
  AUTH_KEYS_MAX_AGE_SECONDS: wholeNumber(600, 31_536_000).default(86_400).meta({
    description:
      "How long the issuer's known keys stay valid while it is unavailable; otherwise they are refreshed every 10 minutes.",
  }),
  AUTH_AUDIENCE: z.string().default('orders').meta({
    description: 'The audience that a token must have.',
    allowed: 'an audience',
  }),
  AUTH_ALGORITHMS: z
    .string()
    .default(ALGORITHMS.join(','))
    .transform((text) => text.split(',').map((name) => name.trim()))
    .refine((names): names is SignatureAlgorithm[] => names.every((name) => ALGORITHMS.some((known) => known === name)))
    .meta({
      description: 'Accepted signature algorithms.',
      allowed: `a comma-separated list of ${ALGORITHMS.join(', ')}`,
    }),
  AUTH_TOKEN_TYPE: z.string().default('at+jwt').meta({
    description: 'The `typ` of an access token: `at+jwt` by RFC 9068; many providers write `JWT`.',
    allowed: 'a token type',
  }),
  AUTH_SCOPE_CLAIM: z.string().default('scope').meta({
    description: 'The claim with the scopes, as space-separated text or as a list.',
    allowed: 'the name of a claim',
  }),
};

/** The parsed `authSettings`. */
export type AuthSettings = z.infer<z.ZodObject<typeof authSettings>> & {
  /** Only of services that offer faults: clients then also request the scope for them. */
  readonly ALLOW_FAULT_INJECTION?: boolean;
};

/**
 * Rejects an unprotected service (fails closed). Without an issuer, a service must listen on loopback and not in production. An issuer must
 * have an https address, or one on this machine.
 * @throws SettingsError with the setting to change
 */
export function rejectOpenService(
  settings: AuthSettings & { readonly LISTEN_HOST: string },
  { NODE_ENV }: NodeJS.ProcessEnv,
): void {
  if (settings.AUTH_ISSUER !== undefined) return rejectOpenIssuer(settings);
  const why =
    NODE_ENV === 'production'
      ? 'NODE_ENV is production'
      : isLoopback(settings.LISTEN_HOST)
        ? undefined
        : `LISTEN_HOST ${settings.LISTEN_HOST} is reachable from other machines`;
  if (why === undefined) return;
  throw new SettingsError(
    `AUTH_ISSUER: must be set, since ${why}: without tokens, every client could read and write orders. Set it to the token issuer, or listen on 127.0.0.1 (${documentedAt('AUTH_ISSUER')}).`,
  );
}

/** Rejects an issuer whose keys someone on the way could replace. */
function rejectOpenIssuer(settings: AuthSettings): void {
  if (settings.AUTH_ALLOW_HTTP_ISSUER) return;
  for (const name of ['AUTH_ISSUER', 'AUTH_DISCOVERY_URL'] as const) {
    const address = settings[name];
    // The issuer's own address is only a name if another one is set for discovery.
    const isUsed = name === 'AUTH_DISCOVERY_URL' || settings.AUTH_DISCOVERY_URL === undefined;
    if (address === undefined || !isUsed || isConfidential(address)) continue;
    throw new SettingsError(
      `${name}: must be an https address, got ${address}: by http, its keys could be replaced on the way. Use https, or for development set AUTH_ALLOW_HTTP_ISSUER=true (${documentedAt(name)}).`,
    );
  }
}
