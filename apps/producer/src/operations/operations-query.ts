import { z } from 'zod';
import { pageSizeOf } from './page-size.js';

/** `GET /v1/operations`. */
export const OperationsQuerySchema = z.strictObject({
  status: z
    .enum(['running', 'paused', 'succeeded', 'cancelled', 'failed'])
    .optional()
    .describe('Only operations in this status.'),
  kind: z.enum(['populate', 'import', 'redrive']).optional().describe('Only operations of this kind.'),
  before: z
    .guid('must be the id of an operation')
    .toLowerCase()
    .optional()
    .describe('Where the list goes on: only operations made before this one. From `next`.'),
  pageSize: pageSizeOf('Operations'),
});

export type OperationsQuery = z.infer<typeof OperationsQuerySchema>;

/** The path of the page behind a full one; nothing comes behind one that isn't full. */
export function nextPage(query: OperationsQuery, ids: readonly string[]): string | undefined {
  const last = ids.at(-1);
  if (last === undefined || ids.length < query.pageSize) return undefined;
  const parameters = new URLSearchParams({
    ...(query.status !== undefined && { status: query.status }),
    ...(query.kind !== undefined && { kind: query.kind }),
    pageSize: String(query.pageSize),
    before: last,
  });
  return `/v1/operations?${parameters.toString()}`;
}
