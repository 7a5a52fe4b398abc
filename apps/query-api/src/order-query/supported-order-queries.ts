import { HttpStatus } from '@nestjs/common';
import { z } from 'zod';
import { Problem } from '#service/http/problem.js';
import type { Equality, OrderQuery, SortField } from './order-query.js';

interface SupportedOrderQuery {
  readonly equality: Equality['field'] | null;
  readonly sort: SortField;
  /** The index of the `orders` collection that has the orders in this sort order. */
  readonly index: string;
}

/** All supported combinations. Each allows a range on its sort field and both sort directions. */
export const SUPPORTED_ORDER_QUERIES: readonly SupportedOrderQuery[] = [
  { equality: null, sort: 'number', index: 'number' },
  { equality: null, sort: 'createdAt', index: 'createdAt_number' },
  { equality: null, sort: 'amount', index: 'amount_number' },
  { equality: null, sort: 'legacyNumber', index: 'legacyNumber_number' },
  { equality: 'accountId', sort: 'createdAt', index: 'accountId_createdAt_number' },
  { equality: 'symbol', sort: 'createdAt', index: 'symbol_createdAt_number' },
  { equality: 'legacyNumber', sort: 'number', index: 'legacyNumber_number' },
];

/** Returns the default sort field of a filter: that of its first supported combination. */
export function defaultSort(equality: Equality['field'] | null): SortField {
  return SUPPORTED_ORDER_QUERIES.find((supported) => supported.equality === equality)?.sort ?? 'number';
}

/** Returns the index that covers a combination; `undefined` if none does. */
export function findIndex(equality: Equality['field'] | null, sort: SortField): string | undefined {
  return SUPPORTED_ORDER_QUERIES.find((supported) => supported.equality === equality && supported.sort === sort)?.index;
}

/**
 * Returns the index that covers an order query.
 * @throws Error if none does: such a query must be rejected earlier
 */
export function indexOf({ equality, sort }: OrderQuery): string {
  const index = findIndex(equality?.field ?? null, sort.field);
  if (index === undefined) throw new Error(`no index for ${JSON.stringify({ equality, sort })}`);
  return index;
}

/** A supported combination, as a problem lists it. */
export const SupportedCombinationSchema = z
  .object({
    filter: z.array(z.enum(['accountId', 'symbol', 'legacyNumber'])).describe('The filter; empty: no filter.'),
    range: z.enum(['number', 'createdAt', 'amount', 'legacyNumber']).describe('The field that may have a range.'),
    sort: z
      .array(z.string())
      .describe('The values of `sort`.')
      .meta({ examples: [['createdAt', '-createdAt']] }),
  })
  .meta({ title: 'SupportedCombination' });

/** Creates the 400 problem of an order query that no index covers; it lists the supported combinations. */
export function unsupportedCombination(reason: string): Problem {
  return new Problem(
    HttpStatus.BAD_REQUEST,
    'unsupported-combination',
    `${reason} \`supported\` lists the combinations that an index covers; their cost does not depend on the number of orders.`,
    {
      supported: SUPPORTED_ORDER_QUERIES.map(({ equality, sort }) => ({
        filter: equality === null ? [] : [equality],
        range: sort,
        sort: [sort, `-${sort}`],
      })),
    },
  );
}
