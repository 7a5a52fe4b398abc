import { z } from 'zod';
import type { Filter } from 'mongodb';
import type { DeadLetterDocument } from '#orders/dead-letters.js';
import type { DeadLetterFilter } from '#orders/operation.js';
import { pageSizeOf } from '../operations/page-size.js';

const STATES = ['pending', 'redriving', 'saved', 'discarded'] as const;

/** An identity in a body, or in a query. */
export const DeadLetterIdSchema = z
  .string()
  .regex(/^[\w.-]{1,249}\/\d{1,6}\/\d{1,16}$/, 'must be the id of a dead letter, such as orders.v1/3/4711');

export const ErrorCodeSchema = z
  .string()
  .min(1)
  .max(200)
  // oxlint-disable-next-line no-control-regex -- NUL and its like are what is refused
  .regex(/^[^\u0000-\u001f\u007f]+$/, 'must be text without control characters');

const operationId = z.guid('must be the id of an operation').toLowerCase();

export const DeadLetterFilterFields = {
  errorCode: ErrorCodeSchema.optional().describe('Only those that failed for this reason.'),
  operationId: operationId.optional().describe('Only those of the orders of this operation.'),
};

/** `GET /v1/dead-letters`. */
export const DeadLetterGroupsQuerySchema = z.strictObject({
  state: z.enum(STATES).default('pending').describe('Only those in this state.'),
  ...DeadLetterFilterFields,
});

/** `GET /v1/dead-letters/records`. */
export const DeadLettersQuerySchema = z.strictObject({
  state: z.enum(STATES).optional().describe('Only those in this state.'),
  ...DeadLetterFilterFields,
  redriveId: operationId.optional().describe('Only those that this redrive has taken.'),
  after: DeadLetterIdSchema.optional().describe('Where the list goes on. From `next`.'),
  pageSize: pageSizeOf('Letters'),
});

export type DeadLetterGroupsQuery = z.infer<typeof DeadLetterGroupsQuerySchema>;
export type DeadLettersQuery = z.infer<typeof DeadLettersQuerySchema>;

/** As MongoDB is asked. */
export function matching({ id, errorCode, operationId: operation }: DeadLetterFilter): Filter<DeadLetterDocument> {
  return {
    ...(id !== undefined && { _id: id }),
    ...(errorCode !== undefined && { 'error.code': errorCode }),
    ...(operation !== undefined && { operationId: operation }),
  };
}
