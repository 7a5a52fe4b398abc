import type { OrderResponse } from '#orders/order/order-response.js';
import type { OrdersPage } from '../../apps/query-api/src/paging/orders-page.js';

/** Follows `next` (or `prev`) from a page of a query API to the end, and returns the orders of each page. */
export async function followPages(
  queryApiUrl: string,
  path: string,
  link: 'next' | 'prev' = 'next',
): Promise<OrderResponse[][]> {
  const pages: OrderResponse[][] = [];
  for (let at: string | undefined = path; at !== undefined;) {
    const response = await fetch(`${queryApiUrl}${at}`);
    const { items, page } = (await response.json()) as OrdersPage;
    pages.push(items);
    at = page[link];
  }
  return pages;
}
