/**
 * What a search text asks for. `orders`: a path of the query API, and the sentence for no result. `id`: an order or an operation, which
 * have ids of the same form. `fault`: a text that can't be right, and what is expected.
 */
export type Search =
  | { readonly kind: 'orders'; readonly path: string; readonly none: string }
  | { readonly kind: 'id'; readonly id: string }
  | { readonly kind: 'letter'; readonly id: string }
  | { readonly kind: 'fault'; readonly text: string };

const PAGE_SIZE = '20';

/** @param none the sentence for no result */
export function ordersOf(path: string, parameters: Readonly<Record<string, string>>, none: string): Search {
  const query = new URLSearchParams({ ...parameters, pageSize: PAGE_SIZE });
  return { kind: 'orders', path: `/v1/orders${path}?${query}`, none };
}

/** @param text a sentence without its full stop */
export function fault(text: string): Search {
  return { kind: 'fault', text: `${text}.` };
}
