import { HttpStatus } from '@nestjs/common';
import { z } from 'zod';
import { formatMoney, moneyFromDecimal128 } from '#orders/order/money.js';
import { SIDES } from '#orders/order/order.js';
import { Problem } from '#service/http/problem.js';
import { MAX_GROUPS, type SumRow } from './summary-pipeline.js';

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

/**
 * Creates the response from the rows of the aggregation.
 * @throws Problem 400 `too-many-groups` for more than 10,000 groups
 */
export function summaryOf(rows: readonly SumRow[], through: number): Summary {
  const groups = rows.flatMap(groupOf);
  if (groups.length > MAX_GROUPS) throw tooManyGroups();
  const excludedFilled = rows.find(({ _id }) => _id === null)?.count ?? 0;
  return {
    groups,
    total: { count: groups.reduce((sum, group) => sum + group.count, 0) },
    excludedFilled,
    through,
  };
}

function groupOf({ _id: key, count: orders, quantity, amount }: SumRow): Summary['groups'] {
  if (key === null) return [];
  const { currency, side, symbol, from } = key;
  return [
    {
      currency,
      ...(side !== undefined && { side }),
      ...(symbol !== undefined && { symbol }),
      ...(from !== undefined && { from: from.toISOString() }),
      count: orders,
      quantity,
      amount: formatMoney(moneyFromDecimal128(amount)),
    },
  ];
}

/** Creates the 400 problem of a summary with too many groups, which costs too much and is of little use. */
export function tooManyGroups(): Problem {
  return new Problem(
    HttpStatus.BAD_REQUEST,
    'too-many-groups',
    `There are more than ${MAX_GROUPS} groups. Filter the orders, use fewer dimensions in \`groupBy\`, or use a larger time bucket.`,
  );
}
