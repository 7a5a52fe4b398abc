import * as oauth from 'oauth4webapi';
import type { Clock } from '@orders-pipeline/clock';
import { isConfidential } from '#service/http/known-hosts.js';
import { timeLimit } from '#orders/time-limit.js';
import { SideUnavailableError } from './side.js';
import type { SideConnection, SideRequest, WholeAnswer } from './side-connection.js';

/** The facade's client at the token issuer of the producer and the query API. */
export interface TokenClient {
  /** The issuer's name, and the address at which its metadata are reachable from here. */
  readonly issuer: string;
  readonly discoveryUrl: string;
  /** Whether the secret may be sent by plain http to another machine. */
  readonly allowsHttp: boolean;
  readonly id: string;
  readonly secret: string;
  readonly scope: string;
}

/** A token is replaced this long before it expires. */
const EARLY_MS = 30_000;
const DEFAULT_LIFE_SECONDS = 60;
const TIMEOUT_MS = timeLimit(5_000);
const MAX_PING_BYTES = 64 * 1024;

interface Granted {
  readonly header: Readonly<Record<string, string>>;
  readonly until: number;
}

/** The bearer token of the facade's requests, by the client credentials grant (RFC 6749, section 4.4), kept until shortly before it expires. */
export class TargetToken {
  private granted: Promise<Granted> | undefined;
  private until = 0;

  /** @param client `undefined`: the target requires no tokens */
  constructor(
    private readonly client: TokenClient | undefined,
    private readonly clock: Clock,
  ) {}

  /** @throws SideUnavailableError if the issuer grants no token */
  async header(): Promise<Readonly<Record<string, string>>> {
    const { client } = this;
    if (client === undefined) return {};
    if (this.granted === undefined || this.clock.now() > this.until) this.granted = this.request(client);
    return (await this.granted).header;
  }

  /** Call it with the status of each answer: after a 401, the next request gets a new token. */
  answered(status: number): void {
    if (status === 401) this.granted = undefined;
  }

  private request(of: TokenClient): Promise<Granted> {
    // All requests wait for this one until its result is known.
    this.until = Number.POSITIVE_INFINITY;
    return this.grant(of).then(
      (granted) => {
        this.until = granted.until;
        return granted;
      },
      (error: unknown) => {
        this.granted = undefined;
        throw new SideUnavailableError('new', 'no-connection', `no token of ${of.issuer}: ${String(error)}`);
      },
    );
  }

  private async grant({ issuer, discoveryUrl, allowsHttp, id, secret, scope }: TokenClient): Promise<Granted> {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const optionsFor = (address: string) => ({
      [oauth.allowInsecureRequests]: allowsHttp || isConfidential(address),
      signal,
    });
    const found = await oauth.discoveryRequest(new URL(discoveryUrl), optionsFor(discoveryUrl));
    const server = await oauth.processDiscoveryResponse(new URL(issuer), found);
    const client = { client_id: id };
    const authentication = oauth.ClientSecretBasic(secret);
    const options = optionsFor(server.token_endpoint ?? issuer);
    const answer = await oauth.clientCredentialsGrantRequest(server, client, authentication, { scope }, options);
    const granted = await oauth.processClientCredentialsResponse(server, client, answer);
    const { access_token: token, expires_in: seconds } = granted;
    const life = (seconds ?? DEFAULT_LIFE_SECONDS) * 1_000;
    return {
      header: { authorization: `Bearer ${token}` },
      until: this.clock.now() + Math.max(life / 2, life - EARLY_MS),
    };
  }
}

/** An API of the target, asked with the facade's token. */
export class TargetApi {
  constructor(
    private readonly connection: SideConnection,
    private readonly token: TargetToken,
  ) {}

  /**
   * Sends a request and reads the whole response, whatever its status.
   * @param maxBytes a longer body is `bad-answer`
   * @throws SideUnavailableError if there is no response, or no token
   */
  async ask(request: SideRequest, maxBytes: number): Promise<WholeAnswer> {
    const headers = { ...request.headers, ...(await this.token.header()) };
    const answer = await this.connection.ask({ ...request, headers }, maxBytes);
    this.token.answered(answer.status);
    return answer;
  }

  /** As `ask`, with a JSON body. */
  async post(path: string, body: unknown, signal: AbortSignal, maxBytes: number): Promise<WholeAnswer> {
    const headers = { 'content-type': 'application/json' };
    return this.ask({ method: 'POST', path, headers, body: JSON.stringify(body), signal }, maxBytes);
  }

  /** @throws when the API answers no request at all; a status of any kind is an answer, and no token is needed */
  async ping(signal: AbortSignal): Promise<void> {
    await this.connection.ask({ method: 'GET', path: '/health/live', signal }, MAX_PING_BYTES);
  }
}
