import { z } from 'zod';
import { CliError } from '../cli-error.js';
import { EXIT_CODE } from '../exit-code.js';
import type { RetryTiming } from '../producer/retry-timing.js';
import { printable } from '../terminal/printable.js';
import { isBearerToken } from './bearer-token.js';
import { askIssuer } from './issuer-request.js';
import type { TokenEndpoint } from './token-endpoint.js';
import { without } from './withheld-text.js';

/** What a client proves itself with to an issuer. */
export interface ClientCredentials {
  readonly id: string;
  readonly secret: string;
  /** The only issuer that they are of. Default: whichever the producer names. */
  readonly issuer?: string | undefined;
}

const GrantSchema = z.looseObject({
  access_token: z.string().refine(isBearerToken),
  token_type: z.string().regex(/^bearer$/i),
});
/** RFC 6749, 5.2. */
const RefusalSchema = z.looseObject({ error: z.string(), error_description: z.string().optional() });

/**
 * A token for a client itself (RFC 6749, 4.4).
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
  const { status, json } = await askIssuer({ method: 'POST', url, headers, body: form.toString(), signal }, timing);
  const { data: grant } = GrantSchema.safeParse(json);
  if (status === 200 && grant !== undefined) return grant.access_token;
  const { data: refusal } = RefusalSchema.safeParse(json);
  if (refusal !== undefined) throw refused(refusal, endpoint, client);
  throw new CliError(
    'issuer-unusable',
    `The issuer of the tokens, at ${printable(url)}, answered ${status} without a bearer token.`,
    'Have the issuer mended, or set ORDERS_TOKEN.',
  );
}

/** RFC 6749, 2.3.1: both are encoded as in forms first, so that neither a colon nor a foreign letter is in the way. */
function basic({ id, secret }: ClientCredentials): string {
  return `Basic ${Buffer.from(`${formEncoded(id)}:${formEncoded(secret)}`).toString('base64')}`;
}

function formEncoded(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice('='.length);
}

function refused(
  { error, error_description: description }: z.infer<typeof RefusalSchema>,
  { issuer, scope }: TokenEndpoint,
  { secret }: ClientCredentials,
): CliError {
  const why = without(secret, printable(description === undefined ? error : `${error}: ${description}`));
  return new CliError(
    'client-refused',
    `The issuer of the tokens, ${printable(issuer)}, refuses the client of ORDERS_CLIENT_ID (${why}).`,
    error === 'invalid_client'
      ? 'Check ORDERS_CLIENT_ID and ORDERS_CLIENT_SECRET.'
      : `There the client must be allowed the grant client_credentials and the scopes ${printable(scope)}.`,
    { exitCode: EXIT_CODE.usage },
  );
}
