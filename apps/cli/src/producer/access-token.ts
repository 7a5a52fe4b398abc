import * as oauth from 'oauth4webapi';
import { request, type Dispatcher } from 'undici';
import { z } from 'zod';
import { CliError, usageError } from '../cli-error.js';
import type { CliSettings } from '../cli-settings.js';
import { printable } from '../terminal/output.js';
import { connectionCode, jsonIn, problemDetail, withRetries, type RetryTiming } from './connection.js';

const LIMITS = { headersTimeout: 10_000, bodyTimeout: 10_000 };

/** The credentials, printed below the help of the command line. */
export const CREDENTIALS_HELP = `
If the producer requires a token, set in the environment or in .env:
  ORDERS_TOKEN           a bearer token
  ORDERS_CLIENT_ID and   or client credentials, to request tokens
  ORDERS_CLIENT_SECRET   from the issuer that the producer names
  ORDERS_ISSUER          the only issuer that they are sent to`;

/** Authenticates a client to an issuer. */
interface ClientCredentials {
  readonly id: string;
  readonly secret: string;
  /** The only issuer to send them to. Default: any issuer that the producer names. */
  readonly issuer?: string | undefined;
}

/** A token, or a client that requests tokens, or neither. */
export interface Credentials {
  readonly token?: string;
  readonly client?: ClientCredentials;
}

/**
 * Reads the credentials from the environment: a token, which has precedence, or those of a client. Empty variables count as not set.
 * @throws CliError `bad-setting`
 */
export function credentialsIn(env: CliSettings): Credentials {
  const { ORDERS_TOKEN: token, ORDERS_CLIENT_ID: id, ORDERS_CLIENT_SECRET: secret, ORDERS_ISSUER: issuer } = env;
  if (!id !== !secret) {
    const [given, missing] = id ? ['ID', 'SECRET'] : ['SECRET', 'ID'];
    const message = `ORDERS_CLIENT_${given} is set and ORDERS_CLIENT_${missing} is not.`;
    throw usageError('bad-setting', message, 'Set both or neither.');
  }
  if (token && !isBearerToken(token)) {
    const remedy = 'Set it to the token alone, without `Bearer`, spaces or quotes.';
    throw usageError('bad-setting', 'ORDERS_TOKEN is not a bearer token: it has invalid characters.', remedy);
  }
  if (token) return { token };
  return id && secret ? { client: { id, secret, issuer: issuer || undefined } } : {};
}

/** Whether a text is a valid bearer token (RFC 6750, 2.1). */
function isBearerToken(text: string): boolean {
  return /^[\w.~+/-]+=*$/.test(text);
}

/**
 * The token that is sent to one producer. A client gets one when the producer first rejects a request, and again when it has expired: a
 * producer that requires no token causes no token request.
 */
export class AccessToken {
  private token: string | undefined;
  private issuer: Issuer | undefined;

  constructor(
    private readonly credentials: Credentials,
    private readonly producerUrl: string,
    private readonly timing: RetryTiming,
  ) {
    this.token = credentials.token;
  }

  /**
   * Sends a request with the current token, if any. If the producer rejects it with 401, sends it once more with a new token.
   * @param send sends the whole request at each call, with these additional headers
   * @throws CliError `credentials-missing`, `token-refused` and `insufficient-scope`, and the errors of `send` and of the issuer
   */
  async send(
    send: (authorization: Readonly<Record<string, string>>) => Promise<Dispatcher.ResponseData>,
    signal?: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    const { client } = this.credentials;
    for (let isNew = false; ; isNew = true) {
      const answer = await send(this.token === undefined ? {} : { authorization: `Bearer ${this.token}` });
      const lacksScope = answer.statusCode === 403 && parameterOf(answer, 'error') === 'insufficient_scope';
      if (answer.statusCode !== 401 && !lacksScope) return answer;
      const detail = problemDetail(await answer.body.text());
      const reason = this.token === undefined ? detail : detail?.replaceAll(this.token, '***');
      if (lacksScope) throw scopeError(reason, parameterOf(answer, 'scope'));
      if (client === undefined || isNew) throw this.refused(reason === undefined ? '.' : `: ${reason}`);
      this.issuer ??= await Issuer.advertisedBy(this.producerUrl, client, this.timing, signal);
      this.token = await this.issuer.grant(signal);
    }
  }

  private refused(reason: string): CliError {
    const { token, client } = this.credentials;
    const producer = `The producer at ${this.producerUrl}`;
    if (token !== undefined)
      return usageError(
        'token-refused',
        `${producer} rejects the token in ORDERS_TOKEN${reason}`,
        'Set ORDERS_TOKEN to another token, or unset it and set ORDERS_CLIENT_ID and ORDERS_CLIENT_SECRET.',
      );
    if (client !== undefined)
      return usageError(
        'token-refused',
        `${producer} rejects the token that its issuer has just issued${reason}`,
        'Check that the settings of the producer match those of the client at its issuer.',
      );
    return usageError(
      'credentials-missing',
      `${producer} requires a token.`,
      'Set ORDERS_TOKEN, or ORDERS_CLIENT_ID and ORDERS_CLIENT_SECRET, in the environment or in .env.\n' +
        'Under `npm start -- --auth` the demo client is orders-demo with the secret orders-demo-secret.',
    );
  }
}

function scopeError(reason = 'The token does not allow this.', scope?: string): CliError {
  const remedy = `Use a token with the scope ${printable(scope ?? '')}, which its issuer must grant.`;
  return usageError('insufficient-scope', `${reason} (insufficient-scope)`, scope === undefined ? '' : remedy);
}

/** Returns a parameter of `WWW-Authenticate: Bearer realm="…", error="…"` (RFC 6750, 3). */
function parameterOf({ headers }: Dispatcher.ResponseData, name: string): string | undefined {
  const challenge = [headers['www-authenticate'] ?? []].flat().join(', ');
  return new RegExp(`[ ,]${name}="([^"]*)"`).exec(challenge)?.[1];
}

/** OAuth protected resource metadata (RFC 9728). If it names several issuers, the first one is used. */
const ResourceSchema = z.looseObject({
  authorization_servers: z.tuple([z.url()], z.string()),
  scopes_supported: z.array(z.string()).default([]),
});

/** The issuer of the tokens for a producer. Its metadata is read once, before the first token. */
export class Issuer {
  private server: oauth.AuthorizationServer | undefined;

  private constructor(
    private readonly url: string,
    private readonly scope: string,
    private readonly client: ClientCredentials,
    private readonly timing: RetryTiming,
  ) {}

  /**
   * Returns the issuer that the producer names. Its tokens have all scopes that the producer supports.
   *
   * oauth4webapi's resource discovery does not fit: it requires an address as `resource`, which is the audience `orders` here, and it
   * inserts the well-known path before the path of the producer.
   * @throws CliError `no-issuer`, `foreign-issuer` and `insecure-address`, and connection errors of the producer
   */
  static async advertisedBy(
    producerUrl: string,
    client: ClientCredentials,
    timing: RetryTiming,
    signal?: AbortSignal,
  ): Promise<Issuer> {
    const url = `${producerUrl}/.well-known/oauth-protected-resource`;
    const answer = await confidentialFetch(url, { method: 'GET', headers: {}, body: undefined }, signal);
    const { data } = ResourceSchema.safeParse(answer.ok ? jsonIn(await answer.text()) : undefined);
    if (data === undefined)
      throw new CliError(
        'no-issuer',
        `The producer requires a token but names no issuer: ${url} responded with ${answer.status} and no issuer.`,
        'Set ORDERS_TOKEN.',
      );
    const [issuer] = data.authorization_servers;
    const [named, allowed] = [issuer, client.issuer ?? issuer].map((address) => address.replace(/\/+$/, ''));
    if (named === allowed) return new Issuer(issuer, data.scopes_supported.join(' '), client, timing);
    const problem = `the producer names the issuer ${issuer}, but ORDERS_ISSUER is ${client.issuer}.`;
    throw usageError(
      'foreign-issuer',
      printable(`ORDERS_CLIENT_SECRET is not sent: ${problem}`),
      'Check that this is the right producer; if so, set ORDERS_ISSUER to its issuer.',
    );
  }

  /**
   * Requests a bearer token with the client credentials grant (RFC 6749, 4.4).
   * @throws CliError `client-refused`, `issuer-away`, `issuer-unusable` and `insecure-address`
   */
  async grant(signal?: AbortSignal): Promise<string> {
    const [url, client] = [new URL(this.url), { client_id: this.client.id }];
    const parameters = { ...(this.scope !== '' && { scope: this.scope }) };
    const fetchOnce: typeof confidentialFetch = async (to, options) => this.fetch(to, options, signal);
    // `confidentialFetch` rejects http, except to this machine.
    const options = { [oauth.allowInsecureRequests]: true, [oauth.customFetch]: fetchOnce };
    try {
      this.server ??= await oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, options));
      const { server } = this;
      const answer = await oauth.clientCredentialsGrantRequest(server, client, basic(this.client), parameters, options);
      const granted = await oauth.processClientCredentialsResponse(server, client, answer);
      if (granted.token_type === 'bearer' && isBearerToken(granted.access_token)) return granted.access_token;
      throw new Error('the issued token is not a valid bearer token');
    } catch (error) {
      if (error instanceof CliError) throw error;
      throw error instanceof oauth.ResponseBodyError ? this.refused(error) : this.unusable(error);
    }
  }

  private async fetch(...sent: Parameters<typeof confidentialFetch>): Promise<Response> {
    const answer = await withRetries(this.timing, async () => confidentialFetch(...sent)).catch((error: unknown) => {
      const code = connectionCode(error);
      throw code === undefined ? error : unavailable(sent[0], `can't be reached (${code})`);
    });
    if (answer.status >= 500 || answer.status === 429) throw unavailable(sent[0], `responds with ${answer.status}`);
    return answer;
  }

  private refused({ error, error_description: text }: oauth.ResponseBodyError): CliError {
    const reason = (text === undefined ? error : `${error}: ${text}`).replaceAll(this.client.secret, '***');
    return usageError(
      'client-refused',
      printable(`The token issuer ${this.url} rejects the client in ORDERS_CLIENT_ID (${reason}).`),
      error === 'invalid_client'
        ? 'Check ORDERS_CLIENT_ID and ORDERS_CLIENT_SECRET.'
        : `Allow the client at the issuer the grant client_credentials and the scopes ${printable(this.scope)}.`,
    );
  }

  private unusable(error: unknown): CliError {
    const { message, cause } = error as { message: string; cause?: { status?: number; body?: { issuer?: string } } };
    // The message omits the value: the status, or another issuer.
    const value = cause?.status ?? cause?.body?.issuer;
    const problem = value === undefined ? message.trim() : `${message}: ${value}`;
    return new CliError(
      'issuer-unusable',
      printable(`The token issuer ${this.url} is unusable: ${problem}.`),
      'Fix the issuer, or set ORDERS_TOKEN.',
    );
  }
}

/** Creates the error without a cause: callers would treat a connection error in the cause as one of the producer. */
function unavailable(url: string, problem: string): CliError {
  const message = `The token issuer at ${printable(url)} ${problem}.`;
  const remedy = 'Retry when it is available, or set ORDERS_TOKEN.';
  return new CliError('issuer-away', message, remedy, { isTemporary: true });
}

/** Sends a Basic header (RFC 6749, 2.3.1). Unlike oauth4webapi's, it leaves `-`, `.` and `_` as they are: some issuers decode nothing. */
function basic({ id, secret }: ClientCredentials): oauth.ClientAuth {
  const encoded = new URLSearchParams([[id, secret]]).toString().replace('=', ':');
  return (_server, _client, _body, headers) => headers.set('authorization', `Basic ${btoa(encoded)}`);
}

/**
 * Sends a request; it follows no redirect. All requests on the way to a token are sent here: an attacker who can change one response can
 * name the next address, and so receive the client secret.
 *
 * The only header of the response is Content-Type: with WWW-Authenticate, oauth4webapi would not read the error in the body.
 * @throws CliError `insecure-address`, and connection errors (see `connectionCode`), also if no data arrive for 10 s
 */
export async function confidentialFetch(
  url: string,
  options: Pick<oauth.CustomFetchOptions<'GET' | 'POST', URLSearchParams | undefined>, 'method' | 'headers' | 'body'>,
  signal: AbortSignal | null = null,
): Promise<Response> {
  if (!isConfidential(url)) {
    const message = `ORDERS_CLIENT_SECRET is not sent: ${printable(url)} is neither https nor on this machine.`;
    throw usageError('insecure-address', message, 'Use https, or set ORDERS_TOKEN.');
  }
  const body = options.body?.toString() ?? null;
  const answer = await request(url, { ...LIMITS, method: options.method, headers: options.headers, body, signal });
  const headers = { 'content-type': String(answer.headers['content-type']) };
  return new Response((await answer.body.text()) || null, { status: answer.statusCode, headers });
}

/** Whether no third party can read or change what is sent to an address: https, or http to this machine. */
export function isConfidential(address: string): boolean {
  const { protocol, hostname = '' } = URL.parse(address) ?? {};
  const isLoopback = hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);
  return protocol === 'https:' || (protocol === 'http:' && isLoopback);
}
