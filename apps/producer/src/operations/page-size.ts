import { z } from 'zod';

/** Creates the schema of the query parameter `pageSize`. @param items name of the items, for the description */
export function pageSizeParameter(items: string, { maximum = 100, byDefault = 20 } = {}) {
  return z
    .string({ error: 'must be given once' })
    .regex(new RegExp(`^\\d{1,${String(maximum).length}}$`), 'must be an integer')
    .transform(Number)
    .refine((value) => value >= 1 && value <= maximum, `must be from 1 to ${maximum}`)
    .meta({ type: 'integer', minimum: 1, maximum })
    .default(byDefault)
    .describe(`${items} per page, 1 to ${maximum.toLocaleString('en')}.`);
}
