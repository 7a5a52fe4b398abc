import { CliError } from '../cli-error.js';
import { EXIT_CODE } from '../exit-code.js';
import type { Refusal, TokenSource } from './token-source.js';

/** The token of ORDERS_TOKEN, which nobody here can renew. */
export class GivenToken implements TokenSource {
  constructor(
    readonly token: string,
    private readonly producerUrl: string,
  ) {}

  /** @throws CliError `token-refused` */
  async renew({ reason }: Refusal): Promise<void> {
    throw new CliError(
      'token-refused',
      `The producer at ${this.producerUrl} refuses the token in ORDERS_TOKEN${reason === undefined ? '.' : `: ${reason}`}`,
      'Set ORDERS_TOKEN to another one, or unset it and set ORDERS_CLIENT_ID and ORDERS_CLIENT_SECRET.',
      { exitCode: EXIT_CODE.usage },
    );
  }
}
