import { CliError } from '../cli-error.js';
import { EXIT_CODE } from '../exit-code.js';
import type { RetryTiming } from '../producer/retry-timing.js';
import { grantToken, type ClientCredentials } from './token-grant.js';
import { discoverTokenEndpoint, type TokenEndpoint } from './token-endpoint.js';
import type { TokenRejection, TokenSource } from './token-source.js';

/**
 * Gets tokens for client credentials: when the producer first rejects a request, and again when a token has expired. A producer that
 * requires no token causes no token request.
 */
export class ClientToken implements TokenSource {
  token: string | undefined;
  private endpoint: TokenEndpoint | undefined;

  constructor(
    private readonly client: ClientCredentials,
    private readonly producerUrl: string,
    private readonly timing: RetryTiming,
  ) {}

  /** @throws CliError `token-refused`, and the errors of discovery and of the issuer */
  async renew({ reason, isNewToken, signal }: TokenRejection): Promise<void> {
    if (isNewToken) throw this.rejected(reason);
    this.endpoint ??= await discoverTokenEndpoint(this.producerUrl, this.client.issuer, this.timing, signal);
    this.token = await grantToken(this.endpoint, this.client, this.timing, signal);
  }

  private rejected(reason: string | undefined): CliError {
    return new CliError(
      'token-refused',
      `The producer at ${this.producerUrl} rejects the token that its issuer has just issued${reason === undefined ? '.' : `: ${reason}`}`,
      'Check that the settings of the producer match those of the client at its issuer.',
      { exitCode: EXIT_CODE.usage },
    );
  }
}
