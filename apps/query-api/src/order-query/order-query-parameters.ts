import { z } from 'zod';
import type { Equality, OrderQuery, SortField } from './order-query.js';
import { queryInteger } from '#service/http/input-numbers.js';
import { money, numberEnd } from './query-values.js';
import { defaultSort, findIndex, unsupportedCombination } from './supported-order-queries.js';
import { createdAtRange, numberEnds, rangeOf, sortRange, type RangeEnds } from './sort-range.js';
import { accountFilter, symbolFilter } from './text-filters.js';

const SORT_FIELDS = ['number', 'createdAt', 'amount', 'legacyNumber'] as const satisfies readonly SortField[];
const EQUALITIES = ['accountId', 'symbol', 'legacyNumber'] as const satisfies readonly Equality['field'][];

const legacyNumber = queryInteger(0, Number.MAX_SAFE_INTEGER);

/** The query parameters that filter and sort orders. */
export const orderQueryParameters = {
  accountId: accountFilter,
  symbol: symbolFilter,
  // Either option explains its own notation: zod returns the issues of the one whose type fits.
  legacyNumber: z
    .union(
      [
        legacyNumber.describe('Orders that have this number in the legacy system.'),
        sortRange('legacyNumber', () => legacyNumber, numberEnds('number in the legacy system')),
      ],
      'must be an integer from 0 to 9,007,199,254,740,991, or a range such as legacyNumber[gte]=',
    )
    .optional(),
  sort: z
    .enum(['number', '-number', 'createdAt', '-createdAt', 'amount', '-amount', 'legacyNumber', '-legacyNumber'])
    .optional()
    .describe(
      'The sort field, `-` for descending; `number` breaks ties. Default: the field of the range, else `createdAt` with `accountId` or `symbol`, else `number`. `amount` sorts across currencies, as plain numbers: use the summary to compare within one. `legacyNumber` finds only orders that have one.',
    ),
  number: sortRange('number', () => numberEnd, {
    ...numberEnds('number'),
    lte: 'Orders whose number is at most this value, such as the watermark: the header `X-Complete-Through` of a response.',
  }),
  createdAt: createdAtRange(),
  amount: sortRange(
    'amount',
    () => money,
    numberEnds('amount', ' Amounts of all currencies are compared as plain numbers: 2 JPY are above 1 USD.'),
  ),
};

const SUMMARY_FILTERS: ReadonlySet<string> = new Set(['currency', 'side']);

/** Explains filters that only the summary has. `undefined`: the issue is another one. */
export function explainSummaryFilter(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code !== 'unrecognized_keys' || !issue.keys.every((key) => SUMMARY_FILTERS.has(key))) return undefined;
  return 'filters the summary only: no index has orders by it';
}

export type OrderQueryParameters = {
  readonly [name in Exclude<Equality['field'], 'legacyNumber'>]?: string | undefined;
} & {
  readonly [field in Exclude<SortField, 'legacyNumber'>]?: RangeEnds | undefined;
} & { readonly legacyNumber?: number | RangeEnds | undefined; readonly sort?: string | undefined };

/**
 * Converts query parameters to an order query.
 * @throws Problem 400 `unsupported-combination` if no index covers the combination
 */
export function parseOrderQuery(query: OrderQueryParameters): OrderQuery {
  const equality = equalityOf(query);
  const ranges = SORT_FIELDS.filter((field) => typeof query[field] === 'object');
  if (ranges.length > 1) throw unsupportedCombination(`Ranges of ${ranges.join(' and ')} can not be combined.`);
  const [ranged] = ranges;
  const field = sortFieldOf(query.sort) ?? ranged ?? defaultSort(equality?.field ?? null);
  if (ranged !== undefined && ranged !== field)
    throw unsupportedCombination(`A range of ${ranged} can not be sorted by ${field}.`);
  if (findIndex(equality?.field ?? null, field) === undefined)
    throw unsupportedCombination(`Orders of one ${String(equality?.field)} can not be sorted by ${field}.`);
  return {
    equality,
    range: rangeOf(rangeIn(query, field)),
    sort: { field, descending: query.sort?.startsWith('-') ?? false },
  };
}

function equalityOf(query: OrderQueryParameters): Equality | undefined {
  const given = EQUALITIES.filter((field) => query[field] !== undefined && typeof query[field] !== 'object');
  if (given.length > 1) throw unsupportedCombination(`${given.join(' and ')} can not be combined.`);
  const [field] = given;
  return field === undefined ? undefined : ({ field, value: query[field] } as Equality);
}

function rangeIn(query: OrderQueryParameters, field: SortField): RangeEnds {
  const value = query[field];
  return typeof value === 'object' ? value : {};
}

function sortFieldOf(sort: string | undefined): SortField | undefined {
  return SORT_FIELDS.find((field) => field === sort?.replace('-', ''));
}
