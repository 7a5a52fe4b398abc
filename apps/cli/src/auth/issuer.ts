import * as oauth from 'oauth4webapi';
import { z } from 'zod';
import { CliError, usageError } from '../cli-error.js';
import { connectionCode } from '../producer/connection-failure.js';
import { jsonIn } from '../producer/json-text.js';
import { withRetries } from '../producer/retries.js';
import type { RetryTiming } from '../producer/retry-timing.js';
import { printable } from '../terminal/printable.js';
import { confidentialFetch } from './confidential-fetch.js';
import { isBearerToken, type ClientCredentials } from './credentials.js';

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
  return new CliError('issuer-away', message, 'Retry when it is available, or set ORDERS_TOKEN.');
}

/** Sends a Basic header (RFC 6749, 2.3.1). Unlike oauth4webapi's, it leaves `-`, `.` and `_` as they are: some issuers decode nothing. */
function basic({ id, secret }: ClientCredentials): oauth.ClientAuth {
  const encoded = new URLSearchParams([[id, secret]]).toString().replace('=', ':');
  return (_server, _client, _body, headers) => headers.set('authorization', `Basic ${btoa(encoded)}`);
}
