import { z } from 'zod';
import { OrderResponseSchema } from '#orders/order/order-response.js';

const path = z.string();

/** A page of orders. `next` and `prev` are paths that a client can follow as they are; each is absent at its end of the list. */
export const OrdersPageSchema = z
  .object({
    items: z.array(OrderResponseSchema),
    page: z
      .object({
        number: z.int().min(1).optional().describe('The page number; only of a numbered page.'),
        size: z.int().min(1),
        next: path
          .optional()
          .describe('Path of the next page; absent at the end. Read on while it exists, also after a short page.')
          .meta({ examples: ['/v1/orders?page=2&pageSize=100'] }),
        nextToken: z.string().optional().describe('`pageToken` of the next page; absent if `next` is a numbered page.'),
        prev: path.optional().describe('Path of the previous page; absent at the start.'),
        prevToken: z.string().optional().describe('`pageToken` of the previous page.'),
        last: path
          .optional()
          .describe(
            'The last numbered page. For orders sorted by number, by the highest number reserved so far; for others only beyond the last page.',
          ),
      })
      .meta({ title: 'PageLinks' }),
    total: z
      .object({
        value: z.int().min(0),
        kind: z
          .enum(['exact', 'estimated', 'atLeast'])
          .describe('`atLeast`: an exact count would have taken too long.'),
      })
      .meta({ title: 'OrderCount' })
      .optional()
      .describe('The number of orders that match the query, without archived ones; only with `count`.'),
  })
  .meta({ title: 'OrderPage' });

export type OrdersPage = z.infer<typeof OrdersPageSchema>;
export type Total = NonNullable<OrdersPage['total']>;
export type PageLinks = Pick<OrdersPage['page'], 'next' | 'prev' | 'last'>;

/** Returns the `Link` header of a page (RFC 8288); `undefined` if the page has no links. */
export function linkHeader({ next, prev, last }: PageLinks): string | undefined {
  const links = Object.entries({ next, prev, last }).flatMap(([relation, target]) =>
    target === undefined ? [] : [`<${target}>; rel="${relation}"`],
  );
  return links.length > 0 ? links.join(', ') : undefined;
}

/** The header's description in the OpenAPI document. */
export const LINK_HEADERS = {
  Link: {
    description: 'The links `next`, `prev` and `last` that exist (RFC 8288).',
    schema: { type: 'string' as const },
  },
};
