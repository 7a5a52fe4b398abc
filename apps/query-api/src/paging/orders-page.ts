import { z } from 'zod';
import { OrderResponseSchema } from '#orders/order-response.js';

const path = z.string().regex(/^\/v1\//);

/** A page of orders. `next` and `prev` are paths ready to follow, absent at the end. */
export const OrdersPageSchema = z
  .object({
    items: z.array(OrderResponseSchema),
    page: z.object({
      number: z.int().min(1).optional().describe('Only of a numbered page.'),
      size: z.int().min(1),
      next: path.optional().meta({ examples: ['/v1/orders?page=2&pageSize=100'] }),
      prev: path.optional(),
      last: path
        .optional()
        .describe('The last numbered page, by the highest number given out so far; only of orders by number.'),
    }),
    total: z
      .object({
        value: z.int().min(0),
        kind: z.enum(['exact', 'estimated', 'atLeast']).describe('`atLeast`: counting all would have taken too long.'),
      })
      .optional()
      .describe('How many there are in all; only with `count`.'),
  })
  .meta({ title: 'OrdersPage' });

export type OrdersPage = z.infer<typeof OrdersPageSchema>;
export type Total = NonNullable<OrdersPage['total']>;
export type PageLinks = Pick<OrdersPage['page'], 'next' | 'prev' | 'last'>;

/** The `Link` header of a page (RFC 8288). */
export function linkHeader({ next, prev, last }: PageLinks): string | undefined {
  const links = Object.entries({ next, prev, last }).flatMap(([relation, target]) =>
    target === undefined ? [] : [`<${target}>; rel="${relation}"`],
  );
  return links.length > 0 ? links.join(', ') : undefined;
}

/** The same as OpenAPI tells it. */
export const LINK_HEADERS = {
  Link: {
    description: '`next`, `prev` and `last`, where there is one (RFC 8288).',
    schema: { type: 'string' as const },
  },
};
