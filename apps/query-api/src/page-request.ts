import { z } from 'zod';

const DEFAULT_PAGE_SIZE = 100;
const MAX_PAGE_SIZE = 1_000;

/** A whole number in a query: digits only, so that `1e3`, `0x10`, `-0` and ` 1` are no numbers. */
function integer(minimum: number, maximum: number) {
  return z
    .string({ error: 'must be given once' })
    .regex(/^\d{1,16}$/, 'must be a whole number')
    .transform(Number)
    .refine((value) => value >= minimum && value <= maximum, `must be from ${minimum} to ${maximum}`)
    .meta({ type: 'integer', minimum, maximum });
}

const paging = {
  page: integer(1, Number.MAX_SAFE_INTEGER).optional().describe('A numbered page, from 1: any depth costs the same.'),
  pageSize: integer(1, MAX_PAGE_SIZE).default(DEFAULT_PAGE_SIZE).describe('Orders of a page, 1 to 1,000.'),
  pageToken: z
    .string({ error: 'must be given once' })
    .min(1)
    .max(512)
    .optional()
    .describe('Where a walk goes on; from `next` or `prev` of a page before. Not together with `page`.'),
};

/** Two ways to say where a page begins would contradict each other. */
function saysOnePlace({ page, pageToken }: { page?: number | undefined; pageToken?: string | undefined }): boolean {
  return page === undefined || pageToken === undefined;
}

const TWO_PLACES = { path: ['pageToken'], message: 'must not be given together with page' };

const orderNumber = integer(1, Number.MAX_SAFE_INTEGER);

/** `GET /v1/orders`. */
export const OrdersQuerySchema = z.strictObject(paging).refine(saysOnePlace, TWO_PLACES);

/** `GET /v1/orders/range`: both ends belong to it. */
export const RangeQuerySchema = z
  .strictObject({
    from: orderNumber.describe('The first order number.'),
    to: orderNumber.describe('The last order number.'),
    ...paging,
  })
  .refine(saysOnePlace, TWO_PLACES)
  .refine(({ from, to }) => !(from > to), { path: ['from'], message: 'must not be above `to`' });

export type PageRequest = z.infer<typeof OrdersQuerySchema>;
export type RangeRequest = z.infer<typeof RangeQuerySchema>;
