import { z } from 'zod';
import { CliError } from '../cli-error.js';
import { EXIT_CODE } from '../exit-code.js';
import type { RetryTiming } from '../producer/retry-timing.js';
import { printable } from '../terminal/printable.js';
import { isBearerToken } from './bearer-token.js';
import { requestIssuer } from './issuer-request.js';
import type { TokenEndpoint } from './token-endpoint.js';
import { redact } from './withheld-text.js';

/** The credentials with which a client authenticates to an issuer. */
export interface ClientCredentials {
  readonly id: string;
  readonly secret: string;
  /** The only issuer to send them to. Default: any issuer that the producer names. */
  readonly issuer?: string | undefined;
}

const GrantSchema = z.looseObject({
  access_token: z.string().refine(isBearerToken),
  token_type: z.string().regex(/^bearer$/i),
});
/** The error response of a token endpoint (RFC 6749, 5.2). */
const OAuthErrorSchema = z.looseObject({ error: z.string(), error_description: z.string().optional() });

/**
 * Requests a token with the client credentials grant (RFC 6749, 4.4).
 * @throws CliError `client-refused`, `issuer-away` and `issuer-unusable`
 */
export async function grantToken(
  endpoint: TokenEndpoint,
  client: ClientCredentials,
  timing: RetryTiming,
  signal?: AbortSignal,
): Promise<string> {
  const { url, scope } = endpoint;
  const form = new URLSearchParams({ grant_type: 'client_credentials', ...(scope !== '' && { scope }) });
  const headers = {
    accept: 'application/json',
    authorization: basic(client),
    'content-type': 'application/x-www-form-urlencoded',
  };
  const { status, json } = await requestIssuer({ method: 'POST', url, headers, body: form.toString(), signal }, timing);
  const { data: grant } = GrantSchema.safeParse(json);
  if (status === 200 && grant !== undefined) return grant.access_token;
  const { data: oauthError } = OAuthErrorSchema.safeParse(json);
  if (oauthError !== undefined) throw rejectedClient(oauthError, endpoint, client);
  throw new CliError(
    'issuer-unusable',
    `The token issuer at ${printable(url)} responded with ${status} and no bearer token.`,
    'Fix the issuer, or set ORDERS_TOKEN.',
  );
}

/** Creates the Basic header. Id and secret are form-encoded first (RFC 6749, 2.3.1), so they may contain colons and any Unicode. */
function basic({ id, secret }: ClientCredentials): string {
  return `Basic ${Buffer.from(`${formEncoded(id)}:${formEncoded(secret)}`).toString('base64')}`;
}

function formEncoded(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice('='.length);
}

function rejectedClient(
  { error, error_description: description }: z.infer<typeof OAuthErrorSchema>,
  { issuer, scope }: TokenEndpoint,
  { secret }: ClientCredentials,
): CliError {
  const reason = redact(secret, printable(description === undefined ? error : `${error}: ${description}`));
  return new CliError(
    'client-refused',
    `The token issuer ${printable(issuer)} rejects the client in ORDERS_CLIENT_ID (${reason}).`,
    error === 'invalid_client'
      ? 'Check ORDERS_CLIENT_ID and ORDERS_CLIENT_SECRET.'
      : `Allow the client at the issuer the grant client_credentials and the scopes ${printable(scope)}.`,
    { exitCode: EXIT_CODE.usage },
  );
}
