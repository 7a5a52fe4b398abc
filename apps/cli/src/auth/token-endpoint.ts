import { request } from 'undici';
import { z } from 'zod';
import { CliError } from '../cli-error.js';
import { EXIT_CODE } from '../exit-code.js';
import { jsonIn } from '../producer/json-text.js';
import type { RetryTiming } from '../producer/retry-timing.js';
import { printable } from '../terminal/printable.js';
import { requireConfidential } from './confidential-address.js';
import { requestIssuer } from './issuer-request.js';

const ANSWER_WITHIN_MS = 10_000;

/** The endpoint at which a client gets tokens for the producer. */
export interface TokenEndpoint {
  readonly issuer: string;
  readonly url: string;
  /** All scopes that the producer supports, separated by spaces; empty if it names none. */
  readonly scope: string;
}

/** OAuth protected resource metadata (RFC 9728). If it names several issuers, the first one is used. */
const ResourceSchema = z.looseObject({
  authorization_servers: z.tuple([z.url()], z.string()),
  scopes_supported: z.array(z.string()).default([]),
});
type Resource = z.infer<typeof ResourceSchema>;

const ConfigurationSchema = z.looseObject({ issuer: z.string(), token_endpoint: z.url() });

/**
 * Finds the token endpoint by discovery: the producer names its issuer, and the issuer names its endpoint.
 * @param known the only issuer to send the credentials to; `undefined`: any issuer that the producer names
 * @throws CliError `no-issuer`, `foreign-issuer`, `issuer-away`, `issuer-unusable` and `insecure-address`, and connection errors of the
 *   producer
 */
export async function discoverTokenEndpoint(
  producerUrl: string,
  known: string | undefined,
  timing: RetryTiming,
  signal?: AbortSignal,
): Promise<TokenEndpoint> {
  requireConfidential('the producer', producerUrl);
  const resource = await resourceAt(`${producerUrl}/.well-known/oauth-protected-resource`, signal);
  const [issuer] = resource.authorization_servers;
  if (known !== undefined && withoutTrailingSlash(issuer) !== withoutTrailingSlash(known)) throw foreign(issuer, known);
  requireConfidential('its token issuer', issuer);
  const url = `${withoutTrailingSlash(issuer)}/.well-known/openid-configuration`;
  const { status, json } = await requestIssuer({ method: 'GET', url, signal }, timing);
  const { data } = ConfigurationSchema.safeParse(json);
  if (status !== 200 || data === undefined) throw unusable(url, `responded with ${status} and no token endpoint`);
  // OpenID Connect Discovery, 4.3: without this check, an issuer could impersonate another one.
  if (data.issuer !== issuer) throw unusable(url, `names its issuer ${data.issuer}, not ${issuer}`);
  requireConfidential('its token endpoint', data.token_endpoint);
  return { issuer, url: data.token_endpoint, scope: resource.scopes_supported.join(' ') };
}

async function resourceAt(url: string, signal: AbortSignal | undefined): Promise<Resource> {
  const limits = { headersTimeout: ANSWER_WITHIN_MS, bodyTimeout: ANSWER_WITHIN_MS };
  const { statusCode, body } = await request(url, { ...limits, signal: signal ?? null });
  const text = await body.text();
  const { data } = ResourceSchema.safeParse(statusCode === 200 ? jsonIn(text) : undefined);
  if (data !== undefined) return data;
  throw new CliError(
    'no-issuer',
    `The producer requires a token but names no issuer: ${url} responded with ${statusCode} and no issuer.`,
    'Set ORDERS_TOKEN.',
  );
}

function withoutTrailingSlash(issuer: string): string {
  return issuer.replace(/\/+$/, '');
}

function foreign(issuer: string, known: string): CliError {
  return new CliError(
    'foreign-issuer',
    printable(
      `ORDERS_CLIENT_SECRET is not sent: the producer names the issuer ${issuer}, but ORDERS_ISSUER is ${known}.`,
    ),
    'Check that this is the right producer; if so, set ORDERS_ISSUER to its issuer.',
    { exitCode: EXIT_CODE.usage },
  );
}

function unusable(url: string, problem: string): CliError {
  return new CliError('issuer-unusable', printable(`${url} ${problem}.`), 'Fix the issuer, or set ORDERS_TOKEN.');
}
