const PAGE_SIZE = 20;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Converts search text to an API path: an id, `page N`, a number, a number range, an account or a symbol. Empty text: first page. */
export function orderPath(text: string): string {
  const query = text.trim();
  if (query === '') return page(1);
  if (UUID.test(query)) return `/v1/orders/${query.toLowerCase()}`;
  const numbered = /^page\s+(?<number>\d+)$/i.exec(query)?.groups?.['number'];
  if (numbered !== undefined) return page(Number(numbered));
  const { from, to = from } = /^(?<from>\d+)(?:\s*(?:\.\.|-|to)\s*(?<to>\d+))?$/.exec(query)?.groups ?? {};
  if (from !== undefined)
    return `/v1/orders/range?${new URLSearchParams({ from, to: to ?? from, pageSize: `${PAGE_SIZE}` })}`;
  const filter = /^acc/i.test(query) ? { accountId: query } : { symbol: query.toUpperCase() };
  return `/v1/orders?${new URLSearchParams({ ...filter, pageSize: `${PAGE_SIZE}` })}`;
}

function page(number: number): string {
  return `/v1/orders?${new URLSearchParams({ page: String(number), pageSize: `${PAGE_SIZE}` })}`;
}
