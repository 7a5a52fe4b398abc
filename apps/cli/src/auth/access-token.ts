import type { Dispatcher } from 'undici';
import { usageError, type CliError } from '../cli-error.js';
import { problemDetail } from '../producer/problem-details.js';
import type { RetryTiming } from '../producer/retry-timing.js';
import { printable } from '../terminal/printable.js';
import type { Credentials } from './credentials.js';
import { Issuer } from './issuer.js';

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
