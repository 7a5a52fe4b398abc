import { z } from 'zod';
import type { DeadLetterFilter } from '#orders/operation/operation.js';
import { bodyInteger, bodyNumber } from '#service/http/request-input.js';
import { DeadLetterFilterFields, DeadLetterIdSchema } from '../dead-letters/dead-letter-api.js';

const DEFAULT_MAX_REDRIVES = 5;

const selectionFields = {
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

function isFiltered({ errorCode, operationId }: Selection): boolean {
  return errorCode !== undefined || operationId !== undefined;
}

function isIdAlone(selection: Selection): boolean {
  return selection.id === undefined || !(isFiltered(selection) || selection.all);
}

function isAllAlone(selection: Selection): boolean {
  return selection.all === undefined || !isFiltered(selection);
}

const NOTHING = { path: ['id'], message: 'or one of `errorCode`, `operationId` and `all` is required' };
const NOT_ONLY_ID = { path: ['id'], message: 'must not be combined with a filter or `all`' };
const NOT_ALL = { path: ['all'], message: 'must not be combined with a filter' };

/** The body of `POST /v1/dead-letters/redrive`. */
export const RedriveRequestSchema = z
  .strictObject({
    ...selectionFields,
    limit: bodyInteger(1, 10_000_000).optional().describe('Maximum number of dead letters. Default: no limit.'),
    ratePerSecond: bodyNumber(0.1, 1_000_000)
      .optional()
      .describe('Records per second. Default: as fast as Kafka acknowledges.'),
    maxRedrives: bodyInteger(1, 100)
      .default(DEFAULT_MAX_REDRIVES)
      .describe('Limits redrive loops: dead letters that were already redriven this many times are skipped.'),
    dryRun: z.boolean().default(false).describe('Only returns the plan; sends nothing.'),
  })
  .refine(isSelective, NOTHING)
  .refine(isIdAlone, NOT_ONLY_ID)
  .refine(isAllAlone, NOT_ALL)
  .meta({ title: 'RedriveRequest', examples: [{ all: true, dryRun: true }] });

/** The body of `POST /v1/dead-letters/discard`. */
export const DiscardRequestSchema = z
  .strictObject(selectionFields)
  .refine(isSelective, NOTHING)
  .refine(isIdAlone, NOT_ONLY_ID)
  .refine(isAllAlone, NOT_ALL)
  .meta({ title: 'DiscardRequest', examples: [{ errorCode: 'malformed-avro' }] });

const count = z.int().min(0);

/** The plan of a redrive, returned by a dry run. */
export const RedrivePlanSchema = z
  .object({
    letters: count.describe('Number of dead letters that would be redriven.'),
    spent: count.describe(
      'Number of matching dead letters that were already redriven `maxRedrives` times; they are skipped.',
    ),
    errors: z
      .array(z.object({ errorCode: z.string(), count }).meta({ title: 'ErrorCount' }))
      .describe('Number of dead letters by error code.'),
  })
  .meta({ title: 'RedrivePlan' });

export const DiscardedSchema = z
  .object({ discarded: count.describe('Number of discarded dead letters. Reconciliation counts them as discarded.') })
  .meta({ title: 'DiscardResult' });

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
