const PAGE_SIZE = 20;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The path of what a person typed: an id, `page N`, a number, a range of numbers, an account or a symbol; of nothing: the first page. */
export function orderPath(text: string): string {
  const what = text.trim();
  if (what === '') return page(1);
  if (UUID.test(what)) return `/v1/orders/${what.toLowerCase()}`;
  const numbered = /^page\s+(?<number>\d+)$/i.exec(what)?.groups?.['number'];
  if (numbered !== undefined) return page(Number(numbered));
  const { from, to = from } = /^(?<from>\d+)(?:\s*(?:\.\.|-|to)\s*(?<to>\d+))?$/.exec(what)?.groups ?? {};
  if (from !== undefined)
    return `/v1/orders/range?${new URLSearchParams({ from, to: to ?? from, pageSize: `${PAGE_SIZE}` })}`;
  const filter = /^acc/i.test(what) ? { accountId: what } : { symbol: what.toUpperCase() };
  return `/v1/orders?${new URLSearchParams({ ...filter, pageSize: `${PAGE_SIZE}` })}`;
}

function page(number: number): string {
  return `/v1/orders?${new URLSearchParams({ page: String(number), pageSize: `${PAGE_SIZE}` })}`;
}
