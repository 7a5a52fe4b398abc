import { z } from 'zod';
import { SIDES } from '#orders/order/order.js';
import {
  createdAtRange,
  type RangeEnds,
  accountFilter,
  currencyFilter,
  sideFilter,
  symbolFilter,
} from '../order-query/order-query-parameters.js';

const HOUR_MS = 60 * 60 * 1000;

const TIME_BUCKETS = ['hour', 'day', 'month'] as const;
type TimeBucket = (typeof TIME_BUCKETS)[number];

/** The group keys besides the currency. Amounts of different currencies are never added. */
export interface GroupBy {
  readonly side: boolean;
  readonly symbol: boolean;
  /** The bucket of `createdAt`, in UTC. */
  readonly bucket?: TimeBucket | undefined;
}

const DIMENSIONS: readonly string[] = ['side', 'symbol', ...TIME_BUCKETS];

const groupBy = z
  .string()
  .optional()
  .transform((list) => list?.split(',') ?? [])
  .refine((names) => names.every((name) => DIMENSIONS.includes(name)), {
    message: `must be a comma-separated list of ${DIMENSIONS.join(', ')} (each summary is grouped by currency anyway)`,
  })
  .refine((names) => new Set(names).size === names.length, { message: 'must not name a dimension twice' })
  .refine((names) => TIME_BUCKETS.filter((bucket) => names.includes(bucket)).length <= 1, {
    message: `must not name more than one of ${TIME_BUCKETS.join(', ')}`,
  })
  .transform((names): GroupBy => ({
    side: names.includes('side'),
    symbol: names.includes('symbol'),
    bucket: TIME_BUCKETS.find((bucket) => names.includes(bucket)),
  }))
  .describe(
    'The group keys besides the currency: `side`, `symbol` and at most one of `hour`, `day` and `month`, by `createdAt` in UTC.',
  );

/** `GET /v1/orders/summary`. */
export const SummaryQuerySchema = z
  .strictObject({
    groupBy,
    currency: currencyFilter,
    side: sideFilter,
    symbol: symbolFilter,
    accountId: accountFilter.describe(
      `${accountFilter.description} Without it, \`createdAt\` needs days or full hours, because the sums are stored per hour.`,
    ),
    createdAt: createdAtRange().transform((range) => range && inHours(range)),
    includeFilled: z
      .enum(['true', 'false'])
      .default('false')
      .transform((value) => value === 'true')
      .describe(
        'Whether to include legacy orders whose missing fields were filled in by the import: their amounts may be invented.',
      ),
  })
  .superRefine(({ accountId, createdAt = {} }, context) => {
    if (accountId !== undefined) return;
    const { gte, gt, lte, lt } = createdAt;
    const unsupported = { gte: isWithinHour(gte), gt: gt !== undefined, lte: lte !== undefined, lt: isWithinHour(lt) };
    for (const [end, isUnsupported] of Object.entries(unsupported))
      if (isUnsupported) context.addIssue({ code: 'custom', path: ['createdAt', end], message: BY_THE_HOUR });
  });

/** Moves the ends that are the last millisecond of an hour to the next hour: `lte` a day is the same as `lt` the day after. */
function inHours({ gte, gt, lte, lt }: RangeEnds<Date>): RangeEnds<Date> {
  const [from, to] = [nextHour(gt), nextHour(lte)];
  return {
    gte: from ?? gte,
    gt: from === undefined ? gt : undefined,
    lte: to === undefined ? lte : undefined,
    lt: to ?? lt,
  };
}

function nextHour(date: Date | undefined): Date | undefined {
  const next = date && new Date(date.getTime() + 1);
  return next === undefined || isWithinHour(next) ? undefined : next;
}

/** Whether a date is not a full hour. An invalid date has already been rejected, and arrives here as the original text. */
function isWithinHour(date: Date | undefined): boolean {
  return date instanceof Date && date.getTime() % HOUR_MS !== 0;
}

const BY_THE_HOUR =
  'is supported only with accountId: without it, use days such as 2026-01-31, or gte and lt on full hours such as 2026-01-31T12:00:00Z';

export type SummaryRequest = z.infer<typeof SummaryQuerySchema>;

const count = z.int().min(0);

/** The sums of orders, group by group. */
export const SummaryResponseSchema = z
  .object({
    groups: z
      .array(
        z
          .object({
            currency: z.string().meta({ examples: ['USD'] }),
            side: z.enum(SIDES).optional().describe('Only when grouped by it.'),
            symbol: z
              .string()
              .optional()
              .describe('Only when grouped by it.')
              .meta({ examples: ['ACME'] }),
            from: z.iso
              .datetime()
              .optional()
              .describe('The start of the hour, day or month, in UTC; only when grouped by it.')
              .meta({ examples: ['2026-01-31T00:00:00.000Z'] }),
            count: count.describe('The number of orders.').meta({ examples: [4_711] }),
            quantity: count.describe('The sum of their quantities.').meta({ examples: [23_555_000] }),
            amount: z
              .string()
              .regex(/^\d+\.\d{4}$/)
              .describe('The exact sum of their amounts.')
              .meta({ examples: ['4413029250.0000'] }),
          })
          .meta({ title: 'SummaryGroup' }),
      )
      .describe('Sorted by currency, side, symbol and `from`; empty groups are omitted.'),
    total: z.object({ count: count.describe('The number of orders in all groups.') }).meta({ title: 'SummaryTotal' }),
    excludedFilled: count.describe(
      'The number of excluded orders: legacy orders whose missing fields were filled in by the import.',
    ),
    through: count
      .describe(
        'The highest order number that was reserved for an operation. The figures include each order up to it that was saved before the request. It is not the watermark (header `X-Complete-Through`), which is at most this number: the figures are complete up to the watermark, and orders between the two may not be saved yet.',
      )
      .meta({ examples: [10_000_000] }),
  })
  .meta({ title: 'Summary' });

export type Summary = z.infer<typeof SummaryResponseSchema>;
