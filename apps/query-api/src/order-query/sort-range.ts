import { z } from 'zod';
import type { SortRange, SortValue } from './order-query.js';
import { instant } from './query-values.js';

type End = 'gte' | 'gt' | 'lte' | 'lt';

/** Describes the ends of a range of numbers. */
export function numberEnds(field: string, note = ''): Readonly<Record<End, string>> {
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
export function sortRange<T extends SortValue>(
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
