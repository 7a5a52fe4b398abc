import { z } from 'zod';
import type { Filter } from 'mongodb';
import type { DeadLetterDocument } from '#orders/dead-letter/dead-letters.js';
import type { DeadLetterFilter } from '#orders/operation/operation.js';
import { pageSizeParameter } from '#service/http/request-input.js';

const STATES = ['pending', 'redriving', 'saved', 'discarded'] as const;

/** A dead letter's id in a body or a query. */
export const DeadLetterIdSchema = z
  .string()
  .regex(/^[\w.-]{1,249}\/\d{1,6}\/\d{1,16}$/, 'must be the id of a dead letter, such as orders.v1/3/4711');

/** An error code; spaces around it make no difference, as in the text filters of orders. */
const ErrorCodeSchema = z
  .string()
  .trim()
  .min(1)
  .max(200)
  // oxlint-disable-next-line no-control-regex -- the expression rejects control characters
  .regex(/^[^\u0000-\u001f\u007f]+$/, 'must be text without control characters');

const operationId = z.guid('must be the id of an operation').toLowerCase();

export const DeadLetterFilterFields = {
  errorCode: ErrorCodeSchema.optional().describe(
    'Only letters with this error code, such as conflict. Spaces around it make no difference.',
  ),
  operationId: operationId.optional().describe('Only letters of orders of this operation.'),
};

/** `GET /v1/dead-letters`. */
export const DeadLetterGroupsQuerySchema = z.strictObject({
  state: z.enum(STATES).default('pending').describe('Only letters in this state.'),
  ...DeadLetterFilterFields,
});

/** `GET /v1/dead-letters/records`. */
export const DeadLettersQuerySchema = z.strictObject({
  state: z.enum(STATES).optional().describe('Only letters in this state.'),
  ...DeadLetterFilterFields,
  redriveId: operationId.optional().describe('Only letters of this redrive.'),
  after: DeadLetterIdSchema.optional().describe('Cursor of the next page. Take it from `next`.'),
  pageSize: pageSizeParameter('Letters', { maximum: 100, byDefault: 20 }),
});

export type DeadLetterGroupsQuery = z.infer<typeof DeadLetterGroupsQuerySchema>;
export type DeadLettersQuery = z.infer<typeof DeadLettersQuerySchema>;

/** Converts a filter to a MongoDB filter. */
export function toMongoFilter({
  id,
  errorCode,
  operationId: operation,
}: { readonly [K in keyof DeadLetterFilter]: string | undefined }): Filter<DeadLetterDocument> {
  return {
    ...(id !== undefined && { _id: id }),
    ...(errorCode !== undefined && { 'error.code': errorCode }),
    ...(operation !== undefined && { operationId: operation }),
  };
}
