import { z } from 'zod';
import type { SortRange, SortValue } from './order-query.js';

const ENDS = {
  gte: 'greater than or equal to this value',
  gt: 'greater than this value',
  lte: 'less than or equal to this value',
  lt: 'less than this value',
} as const;
const MANY_LOWER = 'must not be given together with gte';
const MANY_UPPER = 'must not be given together with lte';

/** Parses a range such as `amount[gte]=10&amount[lt]=20`: at most one lower and one upper end, the lower not above the upper. */
export function sortRange<T extends SortValue>(field: string, value: z.ZodType<T, string>) {
  // No examples here: Swagger UI would send each of them unless the user deletes it.
  const end = (name: keyof typeof ENDS) => value.optional().describe(`Orders whose ${field} is ${ENDS[name]}.`);
  return z
    .strictObject(
      { gte: end('gte'), gt: end('gt'), lte: end('lte'), lt: end('lt') },
      { error: (issue) => (issue.code === 'invalid_type' ? `must be a range, such as ${field}[gte]=` : undefined) },
    )
    .refine(({ gte, gt }) => gte === undefined || gt === undefined, { path: ['gt'], message: MANY_LOWER })
    .refine(({ lte, lt }) => lte === undefined || lt === undefined, { path: ['lt'], message: MANY_UPPER })
    .refine(({ gte, gt, lte, lt }) => !isAbove(gte ?? gt, lte ?? lt), {
      path: [],
      message: 'must not start above its end',
    })
    .optional();
}

function isAbove(low: SortValue | undefined, high: SortValue | undefined): boolean {
  return low !== undefined && high !== undefined && low > high;
}

/** The ends that `sortRange` parsed. */
export interface RangeEnds {
  readonly gte?: SortValue | undefined;
  readonly gt?: SortValue | undefined;
  readonly lte?: SortValue | undefined;
  readonly lt?: SortValue | undefined;
}

export function rangeOf({ gte, gt, lte, lt }: RangeEnds): SortRange {
  const from = gte ?? gt;
  const to = lte ?? lt;
  return {
    from: from === undefined ? undefined : { value: from, inclusive: gte !== undefined },
    to: to === undefined ? undefined : { value: to, inclusive: lte !== undefined },
  };
}
