import { z } from 'zod';
import type { DeadLetterFilter } from '#orders/operation.js';
import { DeadLetterFilterFields, DeadLetterIdSchema } from '../dead-letters/dead-letter-query.js';

const DEFAULT_MAX_REDRIVES = 5;

const selection = {
  id: DeadLetterIdSchema.optional().describe('This one alone.'),
  ...DeadLetterFilterFields,
  all: z.literal(true).optional().describe('All that wait: to be said, so that an empty body does nothing.'),
};

type Selection = { readonly [K in 'id' | 'errorCode' | 'operationId' | 'all']?: string | true | undefined };

function isSelective({ id, errorCode, operationId, all }: Selection): boolean {
  return [id, errorCode, operationId, all].some((each) => each !== undefined);
}

/** `all` beside a filter says two things, and `id` needs none. */
function isUnambiguous({ id, errorCode, operationId, all }: Selection): boolean {
  const isFiltered = errorCode !== undefined || operationId !== undefined;
  return [id !== undefined, isFiltered, all !== undefined].filter(Boolean).length <= 1;
}

const NOTHING = { path: ['id'], message: 'say which: `id`, `errorCode` and `operationId`, or `all`' };
const AMBIGUOUS = { path: ['id'], message: '`id`, a filter and `all` exclude each other' };

/** The body of `POST /v1/dead-letters/redrive`. */
export const RedriveRequestSchema = z
  .strictObject({
    ...selection,
    limit: z.int().min(1).max(10_000_000).optional().describe('Letters that are taken, at the most; all by default.'),
    ratePerSecond: z
      .number()
      .min(0.1)
      .max(1_000_000)
      .optional()
      .describe('Records per second; as fast as Kafka takes them by default.'),
    maxRedrives: z
      .int()
      .min(1)
      .max(100)
      .default(DEFAULT_MAX_REDRIVES)
      .describe(
        'Letters that were redriven so often already are left alone: what comes back for ever must not go round for ever.',
      ),
    dryRun: z.boolean().default(false).describe('Only says what would be sent.'),
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

/** What a redrive would do. */
export const RedrivePlanSchema = z
  .object({
    letters: count.describe('Those that would be taken.'),
    spent: count.describe('Those that fit too, and were redriven `maxRedrives` times already: they are left alone.'),
    errors: z
      .array(z.object({ errorCode: z.string(), count }))
      .describe('Why they failed, of all that would be taken.'),
  })
  .meta({ title: 'RedrivePlan' });

export const DiscardedSchema = z
  .object({ discarded: count.describe('They wait no more, and reconciling counts them as discarded.') })
  .meta({ title: 'Discarded' });

export type RedriveRequest = z.infer<typeof RedriveRequestSchema>;
export type DiscardRequest = z.infer<typeof DiscardRequestSchema>;
export type RedrivePlan = z.infer<typeof RedrivePlanSchema>;
export type Discarded = z.infer<typeof DiscardedSchema>;

export function filterOf({ id, errorCode, operationId }: DiscardRequest): DeadLetterFilter {
  return {
    ...(id !== undefined && { id }),
    ...(errorCode !== undefined && { errorCode }),
    ...(operationId !== undefined && { operationId }),
  };
}
