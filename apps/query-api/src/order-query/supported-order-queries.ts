import { HttpStatus } from '@nestjs/common';
import { Problem } from '#service/problem.js';
import type { Equality, OrderQuery, SortField } from './order-query.js';

interface ServedQuestion {
  readonly equality: Equality['field'] | null;
  readonly sort: SortField;
  /** The index of the `orders` collection that has them in this order. */
  readonly index: string;
}

/** Each of these, with a range on its sort field and in both directions, and nothing else: the collection has six indexes. */
export const SUPPORTED_ORDER_QUERIES: readonly ServedQuestion[] = [
  { equality: null, sort: 'number', index: 'number' },
  { equality: null, sort: 'createdAt', index: 'createdAt_number' },
  { equality: null, sort: 'amount', index: 'amount_number' },
  { equality: 'accountId', sort: 'createdAt', index: 'accountId_createdAt_number' },
  { equality: 'symbol', sort: 'createdAt', index: 'symbol_createdAt_number' },
  { equality: 'legacyNumber', sort: 'number', index: 'legacyNumber_number' },
];

/** What is sorted by unless something else is asked for: the first order that is served. */
export function defaultSort(equality: Equality['field'] | null): SortField {
  return SUPPORTED_ORDER_QUERIES.find((served) => served.equality === equality)?.sort ?? 'number';
}

/** @returns the index that answers; `undefined` for a combination that none does */
export function servedBy(equality: Equality['field'] | null, sort: SortField): string | undefined {
  return SUPPORTED_ORDER_QUERIES.find((served) => served.equality === equality && served.sort === sort)?.index;
}

/** @throws Error for an order query that no index answers: it must have been refused before */
export function indexOf({ equality, sort }: OrderQuery): string {
  const index = servedBy(equality?.field ?? null, sort.field);
  if (index === undefined) throw new Error(`no index for ${JSON.stringify({ equality, sort })}`);
  return index;
}

/** 400 for an order query that no index answers, with those that one does. */
export function unsupportedCombination(reason: string): Problem {
  return new Problem(
    HttpStatus.BAD_REQUEST,
    'unsupported-combination',
    `${reason} See \`supported\` for what is served: it is what the indexes answer at the same cost, whatever there is.`,
    {
      supported: SUPPORTED_ORDER_QUERIES.map(({ equality, sort }) => ({
        filter: equality === null ? [] : [equality],
        range: sort,
        sort: [sort, `-${sort}`],
      })),
    },
  );
}
