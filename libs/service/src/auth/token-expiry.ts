import { systemClock, type Clock } from '@orders-pipeline/clock';
import type { Caller } from './token-verifier.js';

/** Thrown when a response outlives the token of its caller. */
export class TokenExpiredError extends Error {
  override readonly name = 'TokenExpiredError';
  readonly code = 'token-expired';
}

/**
 * Passes on the parts of a long response as long as the caller's token is valid. Afterwards it throws, so that the response ends without
 * its last HTTP chunk: the client knows that parts are missing.
 * @throws TokenExpiredError
 */
export async function* whileTokenIsValid<T>(
  parts: AsyncIterable<T>,
  caller: Pick<Caller, 'validUntil'> | null,
  clock: Clock = systemClock,
): AsyncGenerator<T> {
  for await (const part of parts) {
    if (caller !== null && clock.now() >= caller.validUntil)
      throw new TokenExpiredError('The token has expired. Continue with a new one.');
    yield part;
  }
}
