import { z } from 'zod';
import { integer, orderNumber } from '../order-query/query-values.js';
import { orderQueryParameters } from '../order-query/order-query-parameters.js';

const DEFAULT_PAGE_SIZE = 100;
export const MAX_PAGE_SIZE = 1_000;

const pagingParameters = {
  page: integer(1, Number.MAX_SAFE_INTEGER)
    .optional()
    .describe(
      'The page number, from 1. Sorted by number, all pages cost the same; otherwise only the first 10,000 orders have numbered pages.',
    ),
  pageSize: integer(1, MAX_PAGE_SIZE).default(DEFAULT_PAGE_SIZE).describe('Orders per page, 1 to 1,000.'),
  pageToken: z
    .string({ error: 'must be given once' })
    .min(1)
    .max(512)
    .optional()
    .describe('The cursor, from `next` or `prev` of another page. Not together with `page`.'),
  count: z
    .enum(['none', 'estimated', 'exact'])
    .default('none')
    .describe(
      'Whether to return the total number of matching orders. An `exact` count that takes longer than 2 s becomes `atLeast`.',
    ),
};

/** Whether at most one of `page` and `pageToken` is given: both together would contradict each other. */
function hasSingleStart({ page, pageToken }: { page?: number | undefined; pageToken?: string | undefined }): boolean {
  return page === undefined || pageToken === undefined;
}

const TWO_STARTS = { path: ['pageToken'], message: 'must not be given together with page' };

/** `GET /v1/orders`. */
export const OrdersQuerySchema = z
  .strictObject({ ...orderQueryParameters, ...pagingParameters })
  .refine(hasSingleStart, TWO_STARTS);

/** `GET /v1/orders/range`; both ends are included. */
export const RangeQuerySchema = z
  .strictObject({
    from: orderNumber.describe('The first order number.'),
    to: orderNumber.describe('The last order number.'),
    ...pagingParameters,
  })
  .refine(hasSingleStart, TWO_STARTS)
  .refine(({ from, to }) => !(from > to), { path: ['from'], message: 'must not be above `to`' });

export type OrdersRequest = z.infer<typeof OrdersQuerySchema>;
export type RangeRequest = z.infer<typeof RangeQuerySchema>;
export type PageRequest = Pick<OrdersRequest, keyof typeof pagingParameters>;
