import { z } from 'zod';

const MAX_PAGE_SIZE = 100;

/** How many items of a list a page has, as a query says it: 20 unless said otherwise. @param items what they are, as people say it */
export function pageSizeOf(items: string) {
  return z
    .string({ error: 'must be given once' })
    .regex(/^\d{1,3}$/, 'must be a whole number')
    .transform(Number)
    .refine((value) => value >= 1 && value <= MAX_PAGE_SIZE, `must be from 1 to ${MAX_PAGE_SIZE}`)
    .meta({ type: 'integer', minimum: 1, maximum: MAX_PAGE_SIZE })
    .default(20)
    .describe(`${items} of a page, 1 to ${MAX_PAGE_SIZE}.`);
}
