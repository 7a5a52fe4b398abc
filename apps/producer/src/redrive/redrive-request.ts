import { z } from 'zod';
import type { DeadLetterFilter } from '#orders/operation/operation.js';
import { DeadLetterFilterFields, DeadLetterIdSchema } from '../dead-letters/dead-letter-query.js';

const DEFAULT_MAX_REDRIVES = 5;

const selection = {
  id: DeadLetterIdSchema.optional().describe('Only this dead letter.'),
  ...DeadLetterFilterFields,
  all: z
    .literal(true)
    .optional()
    .describe('All pending dead letters. Must be explicit, so that an empty body does nothing.'),
};

type Selection = { readonly [K in 'id' | 'errorCode' | 'operationId' | 'all']?: string | true | undefined };

function isSelective({ id, errorCode, operationId, all }: Selection): boolean {
  return [id, errorCode, operationId, all].some((each) => each !== undefined);
}

/** Whether at most one of `id`, a filter and `all` is given. */
function isUnambiguous({ id, errorCode, operationId, all }: Selection): boolean {
  const isFiltered = errorCode !== undefined || operationId !== undefined;
  return [id !== undefined, isFiltered, all !== undefined].filter(Boolean).length <= 1;
}

const NOTHING = { path: ['id'], message: 'one of `id`, `errorCode`, `operationId` or `all` is required' };
const AMBIGUOUS = { path: ['id'], message: '`id`, a filter and `all` are mutually exclusive' };

/** The body of `POST /v1/dead-letters/redrive`. */
export const RedriveRequestSchema = z
  .strictObject({
    ...selection,
    limit: z.int().min(1).max(10_000_000).optional().describe('Maximum number of letters. Default: no limit.'),
    ratePerSecond: z
      .number()
      .min(0.1)
      .max(1_000_000)
      .optional()
      .describe('Records per second. Default: as fast as Kafka acknowledges.'),
    maxRedrives: z
      .int()
      .min(1)
      .max(100)
      .default(DEFAULT_MAX_REDRIVES)
      .describe('Limits redrive loops: letters that were already redriven this many times are skipped.'),
    dryRun: z.boolean().default(false).describe('Only returns the plan; sends nothing.'),
  })
  .refine(isSelective, NOTHING)
  .refine(isUnambiguous, AMBIGUOUS)
  .meta({ title: 'Redrive' });

/** The body of `POST /v1/dead-letters/discard`. */
export const DiscardRequestSchema = z
  .strictObject(selection)
  .refine(isSelective, NOTHING)
  .refine(isUnambiguous, AMBIGUOUS)
  .meta({ title: 'Discard' });

const count = z.int().min(0);

/** The plan of a redrive, returned by a dry run. */
export const RedrivePlanSchema = z
  .object({
    letters: count.describe('Number of letters that would be redriven.'),
    spent: count.describe(
      'Number of matching letters that were already redriven `maxRedrives` times; they are skipped.',
    ),
    errors: z.array(z.object({ errorCode: z.string(), count })).describe('Number of letters by error code.'),
  })
  .meta({ title: 'RedrivePlan' });

export const DiscardedSchema = z
  .object({ discarded: count.describe('Number of discarded letters. Reconciliation counts them as discarded.') })
  .meta({ title: 'Discarded' });

export type RedriveRequest = z.infer<typeof RedriveRequestSchema>;
export type DiscardRequest = z.infer<typeof DiscardRequestSchema>;
export type RedrivePlan = z.infer<typeof RedrivePlanSchema>;
export type Discarded = z.infer<typeof DiscardedSchema>;

export function toFilter({ id, errorCode, operationId }: DiscardRequest): DeadLetterFilter {
  return {
    ...(id !== undefined && { id }),
    ...(errorCode !== undefined && { errorCode }),
    ...(operationId !== undefined && { operationId }),
  };
}
