import { z } from 'zod';
import { createdAtRange, type RangeEnds } from '../order-query/sort-range.js';
import { accountFilter, currencyFilter, sideFilter, symbolFilter } from '../order-query/text-filters.js';

const HOUR_MS = 60 * 60 * 1000;

export const TIME_BUCKETS = ['hour', 'day', 'month'] as const;
export type TimeBucket = (typeof TIME_BUCKETS)[number];

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
