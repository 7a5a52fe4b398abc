import { z } from 'zod';
import { pageSizeParameter, queryInteger } from '#service/http/request-input.js';
import { OrderResponseSchema } from '#orders/order/order-response.js';
import {
  orderNumber,
  isAbove,
  explainSummaryFilter,
  orderQueryParameters,
} from '../order-query/order-query-parameters.js';

const DEFAULT_PAGE_SIZE = 100;
const MAX_PAGE_SIZE = 1_000;

const pagingParameters = {
  page: queryInteger(1, Number.MAX_SAFE_INTEGER)
    .optional()
    .describe(
      'The page number, from 1. Sorted by number, all pages cost the same, and a page may have fewer orders than `pageSize`, or none, where numbers are not saved or are archived: read on while `page.next` exists. A page beyond the last one is empty, and `page.last` is the last one. With another sort or a filter, only the first 10,000 orders have numbered pages.',
    ),
  pageSize: pageSizeParameter('Orders', { maximum: MAX_PAGE_SIZE, byDefault: DEFAULT_PAGE_SIZE }),
  pageToken: z
    .string()
    .min(1)
    .max(512)
    .optional()
    .describe(
      'The cursor: `page.nextToken` or `page.prevToken` of another page of the same query. Not together with `page`. Without both, the first page is returned.',
    ),
  count: z
    .enum(['none', 'estimated', 'exact'])
    .default('none')
    .describe(
      'Whether to return `total`, the number of matching orders. Default: `none`. An `exact` count that takes longer than 2 s becomes `atLeast`.',
    ),
};

/** Whether at most one of `page` and `pageToken` is given: both together would contradict each other. */
function hasSingleStart({ page, pageToken }: { page?: number | undefined; pageToken?: string | undefined }): boolean {
  return page === undefined || pageToken === undefined;
}

const TWO_STARTS = { path: ['pageToken'], message: 'must not be given together with page' };

/** `GET /v1/orders`. */
export const OrdersQuerySchema = z
  .strictObject({ ...pagingParameters, ...orderQueryParameters }, { error: explainSummaryFilter })
  .refine(hasSingleStart, TWO_STARTS);

/** `GET /v1/orders/range`; both ends are included. */
export const RangeQuerySchema = z
  .strictObject({
    from: orderNumber.describe('The first order number.').meta({ examples: [1] }),
    to: orderNumber.describe('The last order number.').meta({ examples: [100] }),
    ...pagingParameters,
  })
  .refine(hasSingleStart, TWO_STARTS)
  .refine(({ from, to }) => !isAbove(from, to), {
    path: ['from'],
    error: ({ input }) => `must not be above \`to\`, which is ${(input as { readonly to: number }).to}`,
  });

export type OrdersRequest = z.infer<typeof OrdersQuerySchema>;
export type RangeRequest = z.infer<typeof RangeQuerySchema>;
export type PageRequest = Pick<OrdersRequest, keyof typeof pagingParameters>;

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
type PageLinks = Pick<OrdersPage['page'], 'next' | 'prev' | 'last'>;

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
