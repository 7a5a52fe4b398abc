type Parameters = Record<string, unknown>;

/**
 * Parses a query string. `number[gte]=1` becomes `{ number: { gte: '1' } }`, one level deep. A repeated parameter becomes an
 * array, which no schema accepts. Every name is kept as it was sent, including `__proto__`: the well-known parsers drop such
 * names silently, and with a dropped filter the response would contain unrequested orders.
 *
 * Parts that can't be decoded are kept unchanged; check them first with `isWellEncoded`.
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

/** Returns whether each part of a query string is percent-encoded UTF-8. */
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

/** Creates an object without a prototype, so that no name is special. */
function empty(): Parameters {
  return Object.create(null) as Parameters;
}

function add(parameters: Parameters, name: string, value: unknown): void {
  const previous = parameters[name];
  if (!(name in parameters)) parameters[name] = value;
  else if (Array.isArray(previous)) previous.push(value);
  else parameters[name] = [previous, value];
}

function addInside(parameters: Parameters, name: string, inner: string, value: string): void {
  const previous = parameters[name];
  if (previous === undefined) parameters[name] = empty();
  else if (typeof previous !== 'object' || Array.isArray(previous)) return add(parameters, name, value);
  add(parameters[name] as Parameters, inner, value);
}
