import { Injectable } from '@nestjs/common';
import { Long } from 'mongodb';
import { highestReservedNumber } from '#orders/number-blocks.js';
import { fromDocument, type OrderDocument } from '#orders/order-document.js';
import { ordersCollection } from '#orders/orders-collection.js';
import { Mongo } from '#service/mongo.js';
import { orderResponse, type OrderResponse } from './order-response.js';
import type { OrdersPage } from './orders-page.js';
import type { PageRequest } from './page-request.js';
import { PageTokens } from './page-token.js';

/** The numbers that a question is about, both ends included, and the path that asks it, ending so that paging can follow. */
export interface NumberRange {
  readonly from: number;
  readonly to: number;
  readonly path: string;
}

/**
 * Pages over the dense order numbers. A numbered page is a range of them, so page 100,000 costs what page 1 costs; orders
 * that aren't saved yet are missing from their page, and appear on it later. A walk by token goes from order to order.
 */
@Injectable()
export class OrderPages {
  constructor(
    private readonly mongo: Mongo,
    private readonly tokens: PageTokens,
  ) {}

  async page(range: NumberRange, request: PageRequest): Promise<OrdersPage> {
    if (request.page !== undefined) return this.numbered(range, request.page, request.pageSize);
    if (request.pageToken !== undefined) return this.walk(range, request.pageToken, request.pageSize);
    return this.firstOfWalk(range, request.pageSize);
  }

  private async numbered(range: NumberRange, page: number, size: number): Promise<OrdersPage> {
    const first = range.from + (page - 1) * size;
    const lastPage = await this.lastPage(range, size);
    const items = Number.isSafeInteger(first)
      ? await this.orders(first, Math.min(range.to, first + size - 1), size, 1)
      : [];
    const link = (number: number): string => `${range.path}page=${number}&pageSize=${size}`;
    return {
      items,
      page: {
        number: page,
        size,
        ...(page < lastPage && { next: link(page + 1) }),
        ...(page > 1 && lastPage > 0 && { prev: link(Math.min(page - 1, lastPage)) }),
        ...(lastPage > 0 && { last: link(lastPage) }),
      },
    };
  }

  /** The first page of a walk is page 1 too; its `next` is a token, so that what is saved meanwhile shifts nothing. */
  private async firstOfWalk(range: NumberRange, size: number): Promise<OrdersPage> {
    const [found, lastPage] = await Promise.all([
      this.orders(range.from, range.to, size + 1, 1),
      this.lastPage(range, size),
    ]);
    const items = found.slice(0, size);
    return {
      items,
      page: {
        number: 1,
        size,
        ...(found.length > size && { next: this.step(range, 'next', items.at(-1), size) }),
        ...(lastPage > 0 && { last: `${range.path}page=${lastPage}&pageSize=${size}` }),
      },
    };
  }

  private async walk(range: NumberRange, token: string, size: number): Promise<OrdersPage> {
    const { direction, number } = this.tokens.open(token, range.path);
    const forward = direction === 'next';
    // One more than asked for tells whether there is a further page.
    const found = forward
      ? await this.orders(number + 1, range.to, size + 1, 1)
      : await this.orders(range.from, number - 1, size + 1, -1);
    const more = found.length > size;
    const items = found.slice(0, size);
    if (!forward) items.reverse();
    const next = forward ? more : true;
    const prev = forward ? number >= range.from : more;
    return {
      items,
      page: {
        size,
        ...(next && items.length > 0 && { next: this.step(range, 'next', items.at(-1), size) }),
        ...(prev && items.length > 0 && { prev: this.step(range, 'prev', items[0], size) }),
      },
    };
  }

  private step(range: NumberRange, direction: 'next' | 'prev', at: OrderResponse | undefined, size: number): string {
    const token = this.tokens.seal({ direction, number: at?.number ?? 0 }, range.path);
    return `${range.path}pageToken=${token}&pageSize=${size}`;
  }

  private async orders(from: number, to: number, limit: number, direction: 1 | -1): Promise<OrderResponse[]> {
    const documents: OrderDocument[] = await ordersCollection(this.mongo.db)
      .find({ number: { $gte: Long.fromNumber(from), $lte: Long.fromNumber(to) } }, { projection: { ingest: 0 } })
      .sort({ number: direction })
      .limit(limit)
      .toArray();
    return documents.map((document) => orderResponse(fromDocument(document)));
  }

  private async lastPage(range: NumberRange, size: number): Promise<number> {
    const highest = Math.min(range.to, await highestReservedNumber(this.mongo.db));
    return Math.max(0, Math.ceil((highest - range.from + 1) / size));
  }
}
