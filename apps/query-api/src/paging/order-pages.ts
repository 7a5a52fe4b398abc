import { Injectable } from '@nestjs/common';
import type { Order } from '#orders/order.js';
import { orderResponse } from '#orders/order-response.js';
import { SavedOrders } from '../orders/saved-orders.js';
import { isByNumber, type OrderQuery } from '../order-query/order-query.js';
import { orderQueryPath } from '../order-query/order-query-path.js';
import { NumberedPages } from './numbered-pages.js';
import { OffsetPages } from './offset-pages.js';
import type { OrdersPage, Total } from './orders-page.js';
import type { PageLayout } from './page-layout.js';
import type { PageRequest } from './page-request.js';
import { PageTokens } from './page-token.js';
import { Totals } from './totals.js';
import { CursorPages } from './cursor-pages.js';

export interface OrderQueryRequest {
  readonly orderQuery: OrderQuery;
  /** The path that asks it, in its one spelling, and ending so that paging can follow. */
  readonly path: string;
  /** Who asks; `null` where nobody is known. */
  readonly caller: string | null;
}

/** Pages of whatever is asked: by their numbers, or as a walk by tokens. */
@Injectable()
export class OrderPages {
  constructor(
    private readonly saved: SavedOrders,
    private readonly numbered: NumberedPages,
    private readonly offset: OffsetPages,
    private readonly totals: Totals,
    private readonly tokens: PageTokens,
  ) {}

  async page(asked: OrderQueryRequest, request: PageRequest): Promise<OrdersPage> {
    const [page, total] = await Promise.all([
      this.pageOf(asked, request),
      this.totalOf(asked.orderQuery, request.count),
    ]);
    return total === undefined ? page : { ...page, total };
  }

  private async pageOf(asked: OrderQueryRequest, { page, pageSize, pageToken }: PageRequest): Promise<OrdersPage> {
    const walk = new CursorPages(asked.orderQuery, asked, this.tokens, pageSize);
    if (page !== undefined)
      return isByNumber(asked.orderQuery)
        ? this.numberedPage(asked, page, pageSize)
        : this.offsetPage(asked, { page, size: pageSize, walk });
    const { orders, ...links } = await walk.page(this.saved, pageToken);
    if (pageToken !== undefined) return pageResponse(orders, { size: pageSize, ...links });
    // It is page 1 too; its `next` is a token, so that what is saved meanwhile shifts nothing.
    const last = isByNumber(asked.orderQuery) ? await this.lastPage(asked, pageSize) : undefined;
    return pageResponse(orders, { number: 1, size: pageSize, ...links, last });
  }

  private async numberedPage(asked: OrderQueryRequest, number: number, size: number): Promise<OrdersPage> {
    const layout = await this.numbered.layoutOf(asked.orderQuery, size);
    const { orders, ...pages } = await this.numbered.page(layout, number);
    const link = (page: number | undefined): string | undefined =>
      page === undefined ? undefined : pageLink(asked, layout, page);
    return pageResponse(orders, {
      number,
      size,
      next: link(pages.next),
      prev: link(pages.prev),
      last: link(pages.last),
    });
  }

  private async lastPage(asked: OrderQueryRequest, size: number): Promise<string | undefined> {
    const layout = await this.numbered.layoutOf(asked.orderQuery, size);
    const last = await this.numbered.last(layout);
    return last === undefined ? undefined : pageLink(asked, layout, last);
  }

  private async offsetPage(
    { orderQuery, path }: OrderQueryRequest,
    { page, size, walk }: { page: number; size: number; walk: CursorPages },
  ): Promise<OrdersPage> {
    const { orders, next } = await this.offset.page(orderQuery, { page, size, walk: walk.beginning });
    const link = (number: number): string => `${path}page=${number}&pageSize=${size}`;
    const last = orders.at(-1);
    return pageResponse(orders, {
      number: page,
      size,
      next: next === 'walk' && last ? walk.from(last, 'next') : next && link(page + 1),
      prev: page > 1 ? link(page - 1) : undefined,
    });
  }

  private async totalOf(orderQuery: OrderQuery, count: PageRequest['count']): Promise<Total | undefined> {
    if (count === 'none') return undefined;
    return count === 'exact' ? this.totals.exact(orderQuery) : this.totals.estimated(orderQuery);
  }
}

/** Pages that count from the highest number downwards are of the numbers up to it: it grows, and they would shift. */
function pageLink({ orderQuery, path }: OrderQueryRequest, { numbers, size }: PageLayout, page: number): string {
  const to = { value: numbers.to, inclusive: true };
  const fixed = orderQuery.sort.descending
    ? orderQueryPath({ ...orderQuery, range: { ...orderQuery.range, to } })
    : path;
  return `${fixed}page=${page}&pageSize=${size}`;
}

function pageResponse(orders: readonly Order[], { number, size, next, prev, last }: OrdersPage['page']): OrdersPage {
  return {
    items: orders.map(orderResponse),
    page: {
      ...(number !== undefined && { number }),
      size,
      ...(next !== undefined && { next }),
      ...(prev !== undefined && { prev }),
      ...(last !== undefined && { last }),
    },
  };
}
