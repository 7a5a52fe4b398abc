import { z } from 'zod';
import { pageSizeParameter } from '#service/http/request-input.js';
import type { RowPlace } from './import-rejects.js';

const pageSize = pageSizeParameter('Items', { maximum: 1_000, byDefault: 100 });

function after(form: RegExp) {
  return z
    .string()
    .regex(form, 'must be taken from `next` of another page')
    .optional()
    .describe('Cursor of the next page. Take it from `next`.');
}

/** `GET /v1/imports/{id}/files`. */
export const FilesQuerySchema = z.strictObject({
  after: after(/^\d{1,9}$/).transform((text) => (text === undefined ? -1 : Number(text))),
  pageSize,
});
export type FilesQuery = z.infer<typeof FilesQuerySchema>;

/** `GET /v1/imports/{id}/rejects`. The cursor is `<file>.<row>`. */
export const RejectsQuerySchema = z.strictObject({
  after: after(/^\d{1,9}\.\d{1,15}$/).transform((text): RowPlace => {
    const [file = -1, row = -1] = (text ?? '').split('.').filter(Boolean).map(Number);
    return { file, row };
  }),
  pageSize,
});
export type RejectsQuery = z.infer<typeof RejectsQuerySchema>;

/** Describes a page, with the path of the next one if there are more. @param last the place of its last item */
export function pageFigures(
  path: string,
  { size, last, hasMore }: { readonly size: number; readonly last: string | undefined; readonly hasMore: boolean },
): { readonly size: number; readonly next?: string } {
  return { size, ...(hasMore && last !== undefined && { next: `${path}?pageSize=${size}&after=${last}` }) };
}
