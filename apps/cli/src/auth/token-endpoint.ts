import { request } from 'undici';
import { z } from 'zod';
import { CliError } from '../cli-error.js';
import { EXIT_CODE } from '../exit-code.js';
import { jsonIn } from '../producer/json-text.js';
import type { RetryTiming } from '../producer/retry-timing.js';
import { printable } from '../terminal/printable.js';
import { requireConfidential } from './confidential-address.js';
import { askIssuer } from './issuer-request.js';

const ANSWER_WITHIN_MS = 10_000;

/** Where a client's credentials are turned into tokens for the producer. */
export interface TokenEndpoint {
  readonly issuer: string;
  readonly url: string;
  /** All that the producer knows, with blanks between; empty where it names none. */
  readonly scope: string;
}

/** RFC 9728. Of several issuers the first is as good as any. */
const ResourceSchema = z.looseObject({
  authorization_servers: z.tuple([z.url()], z.string()),
  scopes_supported: z.array(z.string()).default([]),
});
type Resource = z.infer<typeof ResourceSchema>;

const ConfigurationSchema = z.looseObject({ issuer: z.string(), token_endpoint: z.url() });

/**
 * Finds the token endpoint by discovery: the producer names its issuer, and that its endpoint.
 * @param known the only issuer that the client is of; `undefined`: whichever the producer names
 * @throws CliError `no-issuer`, `foreign-issuer`, `issuer-away`, `issuer-unusable` and `insecure-address`, and what a connection to the producer threw
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
  if (known !== undefined && withoutEnd(issuer) !== withoutEnd(known)) throw foreign(issuer, known);
  requireConfidential('its issuer of tokens', issuer);
  const url = `${withoutEnd(issuer)}/.well-known/openid-configuration`;
  const { status, json } = await askIssuer({ method: 'GET', url, signal }, timing);
  const { data } = ConfigurationSchema.safeParse(json);
  if (status !== 200 || data === undefined) throw unusable(url, `answered ${status} without a token endpoint`);
  // OpenID Connect Discovery, 4.3: else one issuer could pass off another's endpoint as its own.
  if (data.issuer !== issuer) throw unusable(url, `names its issuer ${data.issuer}, not ${issuer}`);
  requireConfidential("its issuer's token endpoint", data.token_endpoint);
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
    `The producer asks for a token and does not say who makes them: ${url} answered ${statusCode} without an issuer.`,
    'Set ORDERS_TOKEN.',
  );
}

function withoutEnd(issuer: string): string {
  return issuer.replace(/\/+$/, '');
}

function foreign(issuer: string, known: string): CliError {
  return new CliError(
    'foreign-issuer',
    printable(
      `ORDERS_CLIENT_SECRET is not used: the producer names the issuer ${issuer}, and ORDERS_ISSUER is ${known}.`,
    ),
    'See whether this is the right producer; if so, set ORDERS_ISSUER to its issuer.',
    { exitCode: EXIT_CODE.usage },
  );
}

function unusable(url: string, how: string): CliError {
  return new CliError('issuer-unusable', printable(`${url} ${how}.`), 'Have the issuer mended, or set ORDERS_TOKEN.');
}
