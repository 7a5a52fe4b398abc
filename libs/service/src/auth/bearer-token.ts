/** The token of a request, or its fault. Several tokens are a fault, since another party may have read a different one. */
export type GivenToken = { readonly token: string } | { readonly fault: string } | undefined;

/**
 * Reads the bearer token of a request.
 * @param rawHeaders Node's alternating names and values; Node's `headers` keep only the first `Authorization`
 */
export function bearerToken(rawHeaders: readonly string[]): GivenToken {
  const given: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2)
    if (rawHeaders[at]?.toLowerCase() === 'authorization') given.push(rawHeaders[at + 1] ?? '');
  const [value] = given;
  if (value === undefined) return undefined;
  if (given.length > 1) return { fault: 'There is more than one Authorization header.' };
  const [, token] = /^Bearer +([\w.~+/-]+=*)$/i.exec(value) ?? [];
  return token === undefined ? { fault: 'The Authorization header contains no bearer token.' } : { token };
}
