import { z } from 'zod';
import { integer, orderNumber } from '../order-query/query-values.js';
import { orderQueryParameters } from '../order-query/order-query-parameters.js';

const DEFAULT_PAGE_SIZE = 100;
export const MAX_PAGE_SIZE = 1_000;

const pagingParameters = {
  page: integer(1, Number.MAX_SAFE_INTEGER)
    .optional()
    .describe(
      'A numbered page, from 1. Of orders by number any depth costs the same; of others the first 10,000 orders have one.',
    ),
  pageSize: integer(1, MAX_PAGE_SIZE).default(DEFAULT_PAGE_SIZE).describe('Orders of a page, 1 to 1,000.'),
  pageToken: z
    .string({ error: 'must be given once' })
    .min(1)
    .max(512)
    .optional()
    .describe('Where a walk goes on; from `next` or `prev` of a page before. Not together with `page`.'),
  count: z
    .enum(['none', 'estimated', 'exact'])
    .default('none')
    .describe(
      'Whether to tell how many orders there are in all. `exact` is given up after two seconds: `atLeast` then.',
    ),
};

/** Two ways to say where a page begins would contradict each other. */
function saysOnePlace({ page, pageToken }: { page?: number | undefined; pageToken?: string | undefined }): boolean {
  return page === undefined || pageToken === undefined;
}

const TWO_PLACES = { path: ['pageToken'], message: 'must not be given together with page' };

/** `GET /v1/orders`. */
export const OrdersQuerySchema = z
  .strictObject({ ...orderQueryParameters, ...pagingParameters })
  .refine(saysOnePlace, TWO_PLACES);

/** `GET /v1/orders/range`: both ends belong to it. */
export const RangeQuerySchema = z
  .strictObject({
    from: orderNumber.describe('The first order number.'),
    to: orderNumber.describe('The last order number.'),
    ...pagingParameters,
  })
  .refine(saysOnePlace, TWO_PLACES)
  .refine(({ from, to }) => !(from > to), { path: ['from'], message: 'must not be above `to`' });

export type OrdersRequest = z.infer<typeof OrdersQuerySchema>;
export type RangeRequest = z.infer<typeof RangeQuerySchema>;
export type PageRequest = Pick<OrdersRequest, keyof typeof pagingParameters>;
