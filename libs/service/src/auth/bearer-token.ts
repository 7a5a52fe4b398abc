/** What a request says of its token: several are as bad as a wrong one, since another party may have read another of them. */
export type GivenToken = { readonly token: string } | { readonly fault: string } | undefined;

/** @param rawHeaders names and values in turn, as Node has them: its `headers` keep only the first `Authorization` */
export function bearerToken(rawHeaders: readonly string[]): GivenToken {
  const given: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2)
    if (rawHeaders[at]?.toLowerCase() === 'authorization') given.push(rawHeaders[at + 1] ?? '');
  const [value] = given;
  if (value === undefined) return undefined;
  if (given.length > 1) return { fault: 'There is more than one Authorization header.' };
  const [, token] = /^Bearer +([\w.~+/-]+=*)$/i.exec(value) ?? [];
  return token === undefined ? { fault: 'The Authorization header holds no bearer token.' } : { token };
}
