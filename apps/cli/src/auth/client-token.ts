import { CliError } from '../cli-error.js';
import { EXIT_CODE } from '../exit-code.js';
import type { RetryTiming } from '../producer/retry-timing.js';
import { grantToken, type ClientCredentials } from './token-grant.js';
import { discoverTokenEndpoint, type TokenEndpoint } from './token-endpoint.js';
import type { Refusal, TokenSource } from './token-source.js';

/**
 * Tokens for a client's credentials, got when the producer first refuses a request, and again when it refuses what has expired: a
 * producer that asks for none costs nothing.
 */
export class ClientToken implements TokenSource {
  token: string | undefined;
  private endpoint: TokenEndpoint | undefined;

  constructor(
    private readonly client: ClientCredentials,
    private readonly producerUrl: string,
    private readonly timing: RetryTiming,
  ) {}

  /** @throws CliError `token-refused`, and what discovery and the issuer have against it */
  async renew({ reason, isOfNewToken, signal }: Refusal): Promise<void> {
    if (isOfNewToken) throw this.refused(reason);
    this.endpoint ??= await discoverTokenEndpoint(this.producerUrl, this.client.issuer, this.timing, signal);
    this.token = await grantToken(this.endpoint, this.client, this.timing, signal);
  }

  private refused(reason: string | undefined): CliError {
    return new CliError(
      'token-refused',
      `The producer at ${this.producerUrl} refuses the token that its issuer has just made${reason === undefined ? '.' : `: ${reason}`}`,
      'The settings of the producer and of the client at its issuer must fit together.',
      { exitCode: EXIT_CODE.usage },
    );
  }
}
