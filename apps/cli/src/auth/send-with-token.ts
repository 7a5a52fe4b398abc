import type { Dispatcher } from 'undici';
import { CliError } from '../cli-error.js';
import { EXIT_CODE } from '../exit-code.js';
import { problemDetail } from '../producer/problem-details.js';
import { printable } from '../terminal/printable.js';
import type { TokenSource } from './token-source.js';
import { redact } from './withheld-text.js';

const UNAUTHORIZED = 401;
const FORBIDDEN = 403;

/**
 * Sends a request with the current token, if any. If the producer rejects it with 401, sends it once more with a new token.
 * @param send sends the whole request at each call, with these additional headers
 * @throws CliError if the producer accepts no token, `insufficient-scope` if the token lacks a scope, and the errors of `send`
 */
export async function sendWithToken(
  tokens: TokenSource,
  send: (authorization: Readonly<Record<string, string>>) => Promise<Dispatcher.ResponseData>,
  signal?: AbortSignal,
): Promise<Dispatcher.ResponseData> {
  for (let isNewToken = false; ; isNewToken = true) {
    const { token } = tokens;
    const answer = await send(token === undefined ? {} : { authorization: `Bearer ${token}` });
    if (lacksScope(answer)) throw await scopeError(answer, token);
    if (answer.statusCode !== UNAUTHORIZED) return answer;
    await tokens.renew({ reason: await reasonOf(answer, token), isNewToken, signal });
  }
}

async function reasonOf({ body }: Dispatcher.ResponseData, token: string | undefined): Promise<string | undefined> {
  const detail = problemDetail(await body.text());
  return detail !== undefined && token !== undefined ? redact(token, detail) : detail;
}

function lacksScope({ statusCode, headers }: Dispatcher.ResponseData): boolean {
  return statusCode === FORBIDDEN && parameterOf(headers, 'error') === 'insufficient_scope';
}

async function scopeError(answer: Dispatcher.ResponseData, token: string | undefined): Promise<CliError> {
  const scope = parameterOf(answer.headers, 'scope');
  const reason = (await reasonOf(answer, token)) ?? 'The token does not allow this.';
  return new CliError(
    'insufficient-scope',
    `${reason} (insufficient-scope)`,
    scope === undefined ? '' : `Use a token with the scope ${printable(scope)}, which its issuer must grant.`,
    { exitCode: EXIT_CODE.usage },
  );
}

/** Returns a parameter of `WWW-Authenticate: Bearer realm="…", error="…"` (RFC 6750, 3). */
function parameterOf(headers: Dispatcher.ResponseData['headers'], name: string): string | undefined {
  const challenge = [headers['www-authenticate'] ?? []].flat().join(', ');
  return new RegExp(`[ ,]${name}="([^"]*)"`).exec(challenge)?.[1];
}
