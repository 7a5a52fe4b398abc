import { z } from 'zod';
import { isLoopback } from '../http/known-hosts.js';
import { SettingsError } from '../settings.js';

/** Signatures by a key pair only: with a shared secret whoever can check a token can make one. */
const ALGORITHMS = ['RS256', 'ES256', 'EdDSA'] as const;
export type SignatureAlgorithm = (typeof ALGORITHMS)[number];

const address = z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// address' });

/** Who makes the tokens that a service takes, and which it takes. Without AUTH_ISSUER it takes every request, from this machine only. */
export const authSettings = {
  /** To the letter as the provider names itself, a slash at its end included: tokens carry it so. */
  AUTH_ISSUER: address.optional(),
  /** Where its discovery document is, if it can't be reached under its own name from here. */
  AUTH_DISCOVERY_URL: address.optional(),
  AUTH_AUDIENCE: z.string().default('orders'),
  AUTH_ALGORITHMS: z
    .string()
    .default(ALGORITHMS.join(','))
    .transform((text) => text.split(',').map((name) => name.trim()))
    .refine(
      (names): names is SignatureAlgorithm[] => names.every((name) => ALGORITHMS.some((known) => known === name)),
      `must be some of ${ALGORITHMS.join(', ')}, with commas between`,
    ),
  /** The `typ` of an access token: `at+jwt` by RFC 9068; many providers write `JWT`. */
  AUTH_TOKEN_TYPE: z.string().default('at+jwt'),
  /** The claim that holds the scopes, as text with blanks between or as a list. */
  AUTH_SCOPE_CLAIM: z.string().default('scope'),
};

/** What `authSettings` reads. */
export interface AuthSettings {
  readonly AUTH_ISSUER?: string | undefined;
  readonly AUTH_DISCOVERY_URL?: string | undefined;
  readonly AUTH_AUDIENCE: string;
  readonly AUTH_ALGORITHMS: readonly SignatureAlgorithm[];
  readonly AUTH_TOKEN_TYPE: string;
  readonly AUTH_SCOPE_CLAIM: string;
}

/**
 * Fails closed: without an issuer nobody but this machine may reach a service, and in production there has to be one.
 * @throws SettingsError saying what to set
 */
export function refuseOpenService(
  settings: AuthSettings & { readonly LISTEN_HOST: string },
  { NODE_ENV }: NodeJS.ProcessEnv,
): void {
  if (settings.AUTH_ISSUER !== undefined) return;
  const why =
    NODE_ENV === 'production'
      ? 'NODE_ENV is production'
      : isLoopback(settings.LISTEN_HOST)
        ? undefined
        : `LISTEN_HOST ${settings.LISTEN_HOST} can be reached from elsewhere`;
  if (why === undefined) return;
  throw new SettingsError(
    `AUTH_ISSUER: must be set, since ${why}: anybody could read and write orders. Name the provider that makes the tokens, or listen on 127.0.0.1.`,
  );
}
