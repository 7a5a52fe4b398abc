import { z } from 'zod';

const MAX_PAGE_SIZE = 100;

/** Creates the schema of the query parameter `pageSize`, default 20. @param items name of the items, for the description */
export function pageSizeParameter(items: string) {
  return z
    .string({ error: 'must be given once' })
    .regex(/^\d{1,3}$/, 'must be an integer')
    .transform(Number)
    .refine((value) => value >= 1 && value <= MAX_PAGE_SIZE, `must be from 1 to ${MAX_PAGE_SIZE}`)
    .meta({ type: 'integer', minimum: 1, maximum: MAX_PAGE_SIZE })
    .default(20)
    .describe(`${items} per page, 1 to ${MAX_PAGE_SIZE}.`);
}
