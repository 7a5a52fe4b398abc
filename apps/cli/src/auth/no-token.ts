import { CliError } from '../cli-error.js';
import { EXIT_CODE } from '../exit-code.js';
import type { TokenSource } from './token-source.js';

/** Nothing is known to get a token with: enough for a producer that asks for none. */
export class NoToken implements TokenSource {
  readonly token = undefined;

  constructor(private readonly producerUrl: string) {}

  /** @throws CliError `credentials-missing` */
  async renew(): Promise<void> {
    throw new CliError(
      'credentials-missing',
      `The producer at ${this.producerUrl} asks for a token.`,
      'Set ORDERS_TOKEN, or ORDERS_CLIENT_ID and ORDERS_CLIENT_SECRET, in the environment or in .env.\n' +
        'Under `npm start -- --auth` the demo client is orders-demo with the secret orders-demo-secret.',
      { exitCode: EXIT_CODE.usage },
    );
  }
}
