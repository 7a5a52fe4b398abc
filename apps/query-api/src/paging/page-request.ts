import { z } from 'zod';
import { pageSizeParameter, queryInteger } from '#service/http/input-numbers.js';
import { orderNumber } from '../order-query/query-values.js';
import { isAbove } from '../order-query/sort-range.js';
import { explainSummaryFilter, orderQueryParameters } from '../order-query/order-query-parameters.js';

const DEFAULT_PAGE_SIZE = 100;
export const MAX_PAGE_SIZE = 1_000;

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
