import { z } from 'zod';
import type { RowPlace } from './import-rejects.js';

const MAX_PAGE_SIZE = 1_000;

const pageSize = z
  .string({ error: 'must be given once' })
  .regex(/^\d{1,4}$/, 'must be a whole number')
  .transform(Number)
  .refine((value) => value >= 1 && value <= MAX_PAGE_SIZE, `must be from 1 to ${MAX_PAGE_SIZE}`)
  .meta({ type: 'integer', minimum: 1, maximum: MAX_PAGE_SIZE })
  .default(100)
  .describe('Of a page, 1 to 1,000.');

function after(form: RegExp) {
  return z
    .string({ error: 'must be given once' })
    .regex(form, 'must be taken from `next`')
    .optional()
    .describe('Where the list goes on. From `next`.');
}

/** `GET /v1/imports/{id}/files`. */
export const FilesQuerySchema = z.strictObject({
  after: after(/^\d{1,9}$/).transform((text) => (text === undefined ? -1 : Number(text))),
  pageSize,
});
export type FilesQuery = z.infer<typeof FilesQuerySchema>;

/** `GET /v1/imports/{id}/rejects`: a place is the file's and the row's, with a point between. */
export const RejectsQuerySchema = z.strictObject({
  after: after(/^\d{1,9}\.\d{1,15}$/).transform((text): RowPlace => {
    const [file = -1, row = -1] = (text ?? '').split('.').filter(Boolean).map(Number);
    return { file, row };
  }),
  pageSize,
});
export type RejectsQuery = z.infer<typeof RejectsQuerySchema>;

/** The path of the page behind a full one; nothing comes behind one that isn't full. */
export function nextPage(path: string, size: number, places: readonly string[]): { readonly next?: string } {
  const last = places.at(-1);
  return last === undefined || places.length < size ? {} : { next: `${path}?pageSize=${size}&after=${last}` };
}
