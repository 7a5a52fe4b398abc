import { CliError } from '../cli-error.js';
import { EXIT_CODE } from '../exit-code.js';
import type { TokenSource } from './token-source.js';

/** The token source without credentials, for a producer that requires no token. */
export class NoToken implements TokenSource {
  readonly token = undefined;

  constructor(private readonly producerUrl: string) {}

  /** @throws CliError `credentials-missing` */
  async renew(): Promise<void> {
    throw new CliError(
      'credentials-missing',
      `The producer at ${this.producerUrl} requires a token.`,
      'Set ORDERS_TOKEN, or ORDERS_CLIENT_ID and ORDERS_CLIENT_SECRET, in the environment or in .env.\n' +
        'Under `npm start -- --auth` the demo client is orders-demo with the secret orders-demo-secret.',
      { exitCode: EXIT_CODE.usage },
    );
  }
}
