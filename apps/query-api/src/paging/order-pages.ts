import { Injectable } from '@nestjs/common';
import type { Order } from '#orders/order/order.js';
import { orderResponse } from '#orders/order/order-response.js';
import { SavedOrders } from '../orders/saved-orders.js';
import { isByNumber, type OrderQuery, orderQueryPath } from '../order-query/order-query.js';
import { NumberedPages, type PageLayout } from './numbered-pages.js';
import { OffsetPages, Totals } from './offset-pages.js';
import type { OrdersPage, Total, PageRequest } from './orders-page.js';
import { PageTokens, CursorPages } from './cursor-pages.js';

export interface OrderQueryRequest {
  readonly orderQuery: OrderQuery;
  /** The canonical path of the order query; it ends with `?` or `&`, so that paging parameters can be appended. */
  readonly path: string;
  /** The subject of the caller's token; `null` without authentication. */
  readonly caller: string | null;
}

/** Reads pages of any order query: numbered pages, or cursor pagination by tokens. */
@Injectable()
export class OrderPages {
  constructor(
    private readonly saved: SavedOrders,
    private readonly numbered: NumberedPages,
    private readonly offset: OffsetPages,
    private readonly totals: Totals,
    private readonly tokens: PageTokens,
  ) {}

  async page(query: OrderQueryRequest, request: PageRequest): Promise<OrdersPage> {
    const [page, total] = await Promise.all([
      this.pageOf(query, request),
      this.totalOf(query.orderQuery, request.count),
    ]);
    return total === undefined ? page : { ...page, total };
  }

  private async pageOf(query: OrderQueryRequest, { page, pageSize, pageToken }: PageRequest): Promise<OrdersPage> {
    const cursorPages = new CursorPages(query.orderQuery, query, this.tokens, pageSize);
    if (page !== undefined)
      return isByNumber(query.orderQuery)
        ? this.numberedPage(query, page, pageSize)
        : this.offsetPage(query, { page, size: pageSize, cursorPages });
    const { orders, links } = await cursorPages.page(this.saved, pageToken);
    if (pageToken !== undefined) return pageResponse(orders, { size: pageSize, ...links });
    // This is also page 1. Its `next` is a token, so that orders saved in the meantime do not shift the pages.
    const last = isByNumber(query.orderQuery) ? await this.lastPage(query, pageSize) : undefined;
    return pageResponse(orders, { number: 1, size: pageSize, ...links, last });
  }

  private async numberedPage(query: OrderQueryRequest, number: number, size: number): Promise<OrdersPage> {
    const layout = await this.numbered.layoutOf(query.orderQuery, size);
    const { orders, ...pages } = await this.numbered.page(layout, number);
    const link = (page: number | undefined): string | undefined =>
      page === undefined ? undefined : pageLink(query, layout, page);
    return pageResponse(orders, {
      number,
      size,
      next: link(pages.next),
      prev: link(pages.prev),
      last: link(pages.last),
    });
  }

  private async lastPage(query: OrderQueryRequest, size: number): Promise<string | undefined> {
    const layout = await this.numbered.layoutOf(query.orderQuery, size);
    const last = await this.numbered.last(layout);
    return last === undefined ? undefined : pageLink(query, layout, last);
  }

  private async offsetPage(
    { orderQuery, path }: OrderQueryRequest,
    { page, size, cursorPages }: { page: number; size: number; cursorPages: CursorPages },
  ): Promise<OrdersPage> {
    const { orders, next, last } = await this.offset.page(orderQuery, { page, size, firstPage: cursorPages.beginning });
    const link = (number: number): string => `${path}page=${number}&pageSize=${size}`;
    const end = orders.at(-1);
    return pageResponse(orders, {
      number: page,
      size,
      ...(next === 'cursor' && end ? cursorPages.from(end, 'next') : { next: next && link(page + 1) }),
      prev: page > 1 ? link(last ?? page - 1) : undefined,
      last: last === undefined ? undefined : link(last),
    });
  }

  private async totalOf(orderQuery: OrderQuery, count: PageRequest['count']): Promise<Total | undefined> {
    if (count === 'none') return undefined;
    return count === 'exact' ? this.totals.exact(orderQuery) : this.totals.estimated(orderQuery);
  }
}

/** The path of a numbered page. In descending order it also fixes the highest number, which grows and would shift the pages. */
function pageLink({ orderQuery, path }: OrderQueryRequest, { numbers, size }: PageLayout, page: number): string {
  const to = { value: numbers.to, inclusive: true };
  const fixed = orderQuery.sort.descending
    ? orderQueryPath({ ...orderQuery, range: { ...orderQuery.range, to } })
    : path;
  return `${fixed}page=${page}&pageSize=${size}`;
}

/** Omits absent links, which JSON would omit too. */
function pageResponse(orders: readonly Order[], page: OrdersPage['page']): OrdersPage {
  const given = Object.entries(page).filter(([, value]) => value !== undefined);
  return { items: orders.map(orderResponse), page: Object.fromEntries(given) as OrdersPage['page'] };
}
