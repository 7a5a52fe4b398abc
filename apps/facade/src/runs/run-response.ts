import { z } from 'zod';
import type { RunDocument } from './run-document.js';

/** The id of a run in a path. */
export const RunIdSchema = z
  .guid('must be a UUID')
  .toLowerCase()
  .describe('The id of the run: `id` of the response that started it.');

/** The query of what a run has found. */
export const FindingsQuerySchema = z.strictObject({
  skip: z.coerce.number().int().min(0).max(10_000).default(0).describe('How many to skip.').meta({ default: 0 }),
  limit: z.coerce.number().int().min(1).max(1_000).default(100).describe('How many to return.').meta({ default: 100 }),
});
export type FindingsQuery = z.infer<typeof FindingsQuerySchema>;

/** What the responses of all runs have. */
export const runFields = {
  id: z.uuid(),
  status: z.enum(['running', 'ended', 'cancelled']),
  problem: z
    .string()
    .nullable()
    .describe('Why it can not go on at the moment, such as a side that does not answer. It is retried.'),
  upTo: z.int().describe('The highest legacy number, as it was at the start.'),
  done: z.int().describe('All legacy numbers up to this one are done.'),
  startedBy: z.string(),
  startedAt: z.iso.datetime(),
  endedAt: z.iso.datetime().nullable(),
};

/** Returns the values of `runFields`. */
export function runResponse(run: RunDocument<{ readonly upTo: number; readonly next: number }>) {
  return {
    id: run._id,
    status: run.status,
    problem: run.problem,
    upTo: run.progress.upTo,
    done: run.progress.next - 1,
    startedBy: run.by,
    startedAt: run.startedAt.toISOString(),
    endedAt: run.endedAt?.toISOString() ?? null,
  };
}
