import type { Dispatcher } from 'undici';
import { CliError } from '../cli-error.js';
import { EXIT_CODE } from '../exit-code.js';
import { problemDetail } from '../producer/problem-details.js';
import { printable } from '../terminal/printable.js';
import type { TokenSource } from './token-source.js';
import { without } from './withheld-text.js';

const UNAUTHORIZED = 401;
const FORBIDDEN = 403;

/**
 * Sends a request with the token that there is, if any, and once more with another if the producer refuses it.
 * @param send sends it from its beginning at each call, with these headers besides its own
 * @throws CliError where no token is let in, `insufficient-scope` where one allows too little, and what `send` throws
 */
export async function sendWithToken(
  tokens: TokenSource,
  send: (authorization: Readonly<Record<string, string>>) => Promise<Dispatcher.ResponseData>,
  signal?: AbortSignal,
): Promise<Dispatcher.ResponseData> {
  for (let isOfNewToken = false; ; isOfNewToken = true) {
    const { token } = tokens;
    const answer = await send(token === undefined ? {} : { authorization: `Bearer ${token}` });
    if (isOfTooLittleScope(answer)) throw await scopeError(answer, token);
    if (answer.statusCode !== UNAUTHORIZED) return answer;
    await tokens.renew({ reason: await reasonOf(answer, token), isOfNewToken, signal });
  }
}

async function reasonOf({ body }: Dispatcher.ResponseData, token: string | undefined): Promise<string | undefined> {
  const detail = problemDetail(await body.text());
  return detail !== undefined && token !== undefined ? without(token, detail) : detail;
}

function isOfTooLittleScope({ statusCode, headers }: Dispatcher.ResponseData): boolean {
  return statusCode === FORBIDDEN && parameterOf(headers, 'error') === 'insufficient_scope';
}

async function scopeError(answer: Dispatcher.ResponseData, token: string | undefined): Promise<CliError> {
  const scope = parameterOf(answer.headers, 'scope');
  const reason = (await reasonOf(answer, token)) ?? 'The token does not allow this.';
  return new CliError(
    'insufficient-scope',
    `${reason} (insufficient-scope)`,
    scope === undefined ? '' : `It takes a token with the scope ${printable(scope)}: let its issuer grant it.`,
    { exitCode: EXIT_CODE.usage },
  );
}

/** A parameter of `WWW-Authenticate: Bearer realm="…", error="…"` (RFC 6750, 3). */
function parameterOf(headers: Dispatcher.ResponseData['headers'], name: string): string | undefined {
  const challenge = [headers['www-authenticate'] ?? []].flat().join(', ');
  return new RegExp(`[ ,]${name}="([^"]*)"`).exec(challenge)?.[1];
}
