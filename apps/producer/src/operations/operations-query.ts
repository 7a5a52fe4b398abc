import { z } from 'zod';
import { OPERATION_KINDS } from '#orders/operation/operation.js';
import { pageSizeParameter } from '#service/http/request-input.js';

/** `GET /v1/operations`. */
export const OperationsQuerySchema = z.strictObject({
  status: z
    .enum(['running', 'paused', 'succeeded', 'cancelled', 'failed'])
    .optional()
    .describe('Only operations in this status.'),
  kind: z.enum(OPERATION_KINDS).optional().describe('Only operations of this kind.'),
  before: z
    .guid('must be the id of an operation')
    .toLowerCase()
    .optional()
    .describe('Cursor of the next page: only operations created before this one. Take it from `next`.'),
  pageSize: pageSizeParameter('Operations', { maximum: 100, byDefault: 20 }),
});

export type OperationsQuery = z.infer<typeof OperationsQuerySchema>;

/** Returns the path of the page after the operation `last`. */
export function nextPage(query: OperationsQuery, last: string): string {
  const parameters = new URLSearchParams({
    ...(query.status !== undefined && { status: query.status }),
    ...(query.kind !== undefined && { kind: query.kind }),
    pageSize: String(query.pageSize),
    before: last,
  });
  return `/v1/operations?${parameters.toString()}`;
}
