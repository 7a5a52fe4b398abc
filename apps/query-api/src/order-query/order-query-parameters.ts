import { z } from 'zod';
import { parseMoney, type Money } from '#orders/order/money.js';
import { queryInteger, explainMoment, parseMoment } from '#service/http/request-input.js';
import { SIDES } from '#orders/order/order.js';
import {
  type SortRange,
  type SortValue,
  type Equality,
  type OrderQuery,
  type SortField,
  defaultSort,
  findIndex,
  unsupportedCombination,
} from './order-query.js';

export const orderNumber = queryInteger(1, Number.MAX_SAFE_INTEGER);

/** An end of a range of order numbers. 0 is allowed: the watermark is 0 before the first order. */
const numberEnd = queryInteger(0, Number.MAX_SAFE_INTEGER);

/**
 * Parses one end of a range of `createdAt`: a date, which is a whole day in UTC, or a date and time with a time zone.
 * @param ofDay the first millisecond of the day that a date becomes, or its last one
 */
export function instant(ofDay: 'first' | 'last') {
  return z
    .string()
    .transform((value, context) => {
      const moment = parseMoment(value, ofDay);
      if (moment !== undefined) return moment;
      context.addIssue({ code: 'custom', message: explainMoment(value) });
      return z.NEVER;
    })
    .meta({ type: 'string' });
}

const money = z
  .string()
  .regex(
    /^\d{1,18}(\.\d{1,4})?$/,
    'must be a decimal of up to 18 digits before the point, and up to four after it, such as 12.50',
  )
  .transform((value): Money => parseMoney(value));

type End = 'gte' | 'gt' | 'lte' | 'lt';

/** Describes the ends of a range of numbers. */
function numberEnds(field: string, note = ''): Readonly<Record<End, string>> {
  const text = (limit: string): string => `Orders whose ${field} is ${limit} this value.${note}`;
  return { gte: text('at least'), gt: text('above'), lte: text('at most'), lt: text('below') };
}
const MANY_LOWER = 'must not be given together with gte';
const MANY_UPPER = 'must not be given together with lte';

/**
 * Parses a range such as `amount[gte]=10&amount[lt]=20`: at most one lower and one upper end, the lower not above the upper.
 * @param value the schema of the values at an end
 * @param texts the descriptions of the ends
 */
function sortRange<T extends SortValue>(
  field: string,
  value: (end: End) => z.ZodType<T, string>,
  texts: Readonly<Record<End, string>>,
) {
  // No examples here: Swagger UI would send each of them unless the user deletes it.
  const end = (name: End) => value(name).optional().describe(texts[name]);
  return z
    .strictObject(
      { gte: end('gte'), gt: end('gt'), lte: end('lte'), lt: end('lt') },
      { error: ({ code, input }) => (code === 'invalid_type' ? mustBeRange(field, value('gte'), input) : undefined) },
    )
    .refine(({ gte, gt }) => gte === undefined || gt === undefined, { path: ['gt'], message: MANY_LOWER })
    .refine(({ lte, lt }) => lte === undefined || lt === undefined, { path: ['lt'], message: MANY_UPPER })
    .refine(({ gte, gt, lte, lt }) => !isAbove(gte ?? gt, lte ?? lt), {
      path: [],
      message: 'must not start above its end',
    })
    .optional();
}

/** Explains that a parameter without an end, such as `number=5`, is no range; for a valid value, with the range to send instead. */
function mustBeRange(field: string, value: z.ZodType, input: unknown): string {
  const only = value.safeParse(input).success
    ? `${field}[gte]=${String(input)}&${field}[lte]=${String(input)}`
    : undefined;
  return `must be a range, such as ${only ?? `${field}[gte]=`}`;
}

/** Whether a range is upside down. An end that was rejected is still its text, and not compared: one field has one error. */
export function isAbove(low: SortValue | string | undefined, high: SortValue | string | undefined): boolean {
  if (low === undefined || high === undefined || typeof low === 'string' || typeof high === 'string') return false;
  return low > high;
}

const TIME =
  ': a date and time with a time zone, such as 2026-01-31T12:00:00Z, or a date, which is the whole day in UTC.';

/**
 * Parses a range of `createdAt`. An end without a time is a whole day in UTC: `gte` and `lte` include it, `gt` and `lt` exclude it.
 */
export function createdAtRange() {
  return sortRange('createdAt', (end) => instant(end === 'gte' || end === 'lt' ? 'first' : 'last'), {
    gte: `Orders created at this time or later${TIME}`,
    gt: `Orders created after this time${TIME}`,
    lte: `Orders created at this time or earlier${TIME}`,
    lt: `Orders created before this time${TIME}`,
  });
}

/** The ends that `sortRange` parsed. */
export type RangeEnds<T extends SortValue = SortValue> = { readonly [end in End]?: T | undefined };

export function rangeOf({ gte, gt, lte, lt }: RangeEnds): SortRange {
  const from = gte ?? gt;
  const to = lte ?? lt;
  return {
    from: from === undefined ? undefined : { value: from, inclusive: gte !== undefined },
    to: to === undefined ? undefined : { value: to, inclusive: lte !== undefined },
  };
}

/** The rule of all filters below: how a text is spelled does not decide whether orders are found. */
const ANY_CASE = 'Upper and lower case, and spaces around it, make no difference';
const UNLESS_EXACT = 'unless orders have exactly the given text: then only these are found';

/** Parses a text that an order can contain: 1 to `maxLength` characters, no control characters and no lone surrogates. */
function filterText(maxLength: number) {
  const length = `must have 1 to ${maxLength} characters`;
  return z
    .string()
    .min(1, length)
    .max(maxLength, length)
    .refine((value) => value.isWellFormed() && !/\p{Cc}/u.test(value), 'must not contain control characters');
}

/** Orders of an account. `FilterCandidates` finds out how it is spelled. */
export const accountFilter = filterText(64)
  .optional()
  .describe(`Orders of this account, such as acc-0004711. Spaces around it make no difference, ${UNLESS_EXACT}.`);

/** Orders of a symbol. `FilterCandidates` finds out how it is spelled. */
export const symbolFilter = filterText(32)
  .optional()
  .describe(`Orders of this symbol, such as ACME. ${ANY_CASE}, ${UNLESS_EXACT}.`);

/** Orders of a currency. */
export const currencyFilter = z
  .string()
  .trim()
  .toUpperCase()
  .regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code such as EUR')
  .optional()
  .describe(`Orders of this currency, such as USD. ${ANY_CASE}.`);

/** Orders of a side. */
export const sideFilter = z
  .string()
  .trim()
  .toLowerCase()
  .pipe(z.enum(SIDES))
  .optional()
  .meta({ enum: [...SIDES], description: `Orders of this side. ${ANY_CASE}.` });

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

type OrderQueryParameters = {
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
