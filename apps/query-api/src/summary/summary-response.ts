import { HttpStatus } from '@nestjs/common';
import { z } from 'zod';
import { formatMoney } from '#orders/money.js';
import { SIDES } from '#orders/order.js';
import { Problem } from '#service/problem.js';
import { exactSum } from './exact-sum.js';
import { MAX_GROUPS, type SumRow } from './summary-sums.js';

const count = z.int().min(0);

/** What orders come to, group by group. */
export const SummaryResponseSchema = z
  .object({
    groups: z
      .array(
        z.object({
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
            .describe('The beginning of the hour, day or month, in UTC; only when grouped by it.')
            .meta({ examples: ['2026-01-31T00:00:00.000Z'] }),
          count: count.describe('How many orders.').meta({ examples: [4_711] }),
          quantity: count.describe('The sum of their quantities.').meta({ examples: [23_555_000] }),
          amount: z
            .string()
            .regex(/^\d+\.\d{4}$/)
            .describe('The exact sum of their amounts.')
            .meta({ examples: ['4413029250.0000'] }),
        }),
      )
      .describe('In the order of currency, side, symbol and `from`; none is empty.'),
    total: z.object({ count: count.describe('How many orders the groups have together.') }),
    excludedFilled: count.describe(
      'How many orders were left out, since fields of theirs were made up when they came from the legacy system.',
    ),
    through: count
      .describe('The highest order number that was given out: each order up to it that was saved is in the figures.')
      .meta({ examples: [10_000_000] }),
  })
  .meta({ title: 'Summary' });

export type Summary = z.infer<typeof SummaryResponseSchema>;

/** @throws Problem 400 `too-many-groups` */
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
      amount: formatMoney(exactSum(amount)),
    },
  ];
}

/** 400: they are no summary, and what it would take to add them up is of no use. */
export function tooManyGroups(): Problem {
  return new Problem(
    HttpStatus.BAD_REQUEST,
    'too-many-groups',
    `There are more than ${MAX_GROUPS} groups. Filter the orders, group by less, or by a larger bucket of time.`,
  );
}
