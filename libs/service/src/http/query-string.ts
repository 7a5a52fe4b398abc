type Parameters = Record<string, unknown>;

/**
 * Reads a query string. `number[gte]=1` becomes `{ number: { gte: '1' } }`, one level deep, and a parameter that is given again an
 * array, which no schema takes. Every name comes out as it was sent, `__proto__` like any other: the well-known parsers drop such names
 * without a word, and a filter that is dropped answers with orders that nobody asked for.
 *
 * What can't be decoded stays as it is; `isWellEncoded` tells, before anybody reads it.
 */
export function parseQuery(query: string): Parameters {
  const parameters = empty();
  for (const pair of query.split('&').filter((part) => part !== '')) {
    const [name, value] = pairOf(pair).map(decode) as [string, string];
    const [, outer, inner] = /^([^[\]]+)\[([^[\]]+)\]$/.exec(name) ?? [];
    if (outer === undefined || inner === undefined) add(parameters, name, value);
    else addInside(parameters, outer, inner, value);
  }
  return parameters;
}

/** Whether each part of a query string is percent-encoded UTF-8. */
export function isWellEncoded(query: string): boolean {
  return query.split(/[&=]/).every((part) => decoded(part) !== undefined);
}

function pairOf(pair: string): [string, string] {
  const at = pair.indexOf('=');
  return at === -1 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
}

function decode(part: string): string {
  return decoded(part) ?? part;
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part.replaceAll('+', ' '));
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

/** Without a prototype: no name means more than another. */
function empty(): Parameters {
  return Object.create(null) as Parameters;
}

function add(parameters: Parameters, name: string, value: unknown): void {
  const there = parameters[name];
  if (!(name in parameters)) parameters[name] = value;
  else if (Array.isArray(there)) there.push(value);
  else parameters[name] = [there, value];
}

function addInside(parameters: Parameters, name: string, inner: string, value: string): void {
  const there = parameters[name];
  if (there === undefined) parameters[name] = empty();
  else if (typeof there !== 'object' || Array.isArray(there)) return add(parameters, name, value);
  add(parameters[name] as Parameters, inner, value);
}
