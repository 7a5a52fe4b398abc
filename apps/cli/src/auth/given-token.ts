import { CliError } from '../cli-error.js';
import { EXIT_CODE } from '../exit-code.js';
import type { TokenRejection, TokenSource } from './token-source.js';

/** The token in ORDERS_TOKEN, which the CLI can't renew. */
export class GivenToken implements TokenSource {
  constructor(
    readonly token: string,
    private readonly producerUrl: string,
  ) {}

  /** @throws CliError `token-refused` */
  async renew({ reason }: TokenRejection): Promise<void> {
    throw new CliError(
      'token-refused',
      `The producer at ${this.producerUrl} rejects the token in ORDERS_TOKEN${reason === undefined ? '.' : `: ${reason}`}`,
      'Set ORDERS_TOKEN to another token, or unset it and set ORDERS_CLIENT_ID and ORDERS_CLIENT_SECRET.',
      { exitCode: EXIT_CODE.usage },
    );
  }
}
