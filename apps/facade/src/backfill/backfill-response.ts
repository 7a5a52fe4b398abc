import { z } from 'zod';
import { runFields, runResponse } from '../runs/run-response.js';
import type { RunDocument } from '../runs/run-document.js';
import type { BackfillResult } from './backfill-runs.js';
import type { BackfillProgress } from './run-backfill.js';

export const BackfillSchema = z
  .object({
    ...runFields,
    result: z
      .enum(['imported', 'incomplete'])
      .nullable()
      .describe(
        '`incomplete`: some orders have no exact translation. Repair them in the legacy system, and start again.',
      ),
    translated: z.int().min(0).describe('How many orders the imports contain.'),
    untranslated: z.int().min(0).describe('How many orders have no exact translation.'),
    operationIds: z.array(z.string()).describe('The imports, operations of the producer. They go on by themselves.'),
  })
  .meta({ title: 'Backfill' });
export type BackfillResponse = z.infer<typeof BackfillSchema>;

export const UntranslatedOrdersSchema = z
  .object({
    items: z.array(
      z
        .object({
          number: z.int().nullable().describe('The legacy number.'),
          id: z.string().nullable(),
          reason: z.object({
            code: z.string(),
            field: z.string().optional(),
            value: z.string().optional(),
            detail: z.string(),
          }),
        })
        .meta({ title: 'UntranslatedOrder' }),
    ),
  })
  .meta({ title: 'UntranslatedOrders' });

export function backfillResponse(run: RunDocument<BackfillProgress, BackfillResult>): BackfillResponse {
  const { translated, untranslated, operationIds } = run.progress;
  return { ...runResponse(run), result: run.result, translated, untranslated, operationIds: [...operationIds] };
}
