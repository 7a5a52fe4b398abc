import { z } from 'zod';
import { runFields, runResponse } from '../runs/run-response.js';
import type { RunDocument } from '../runs/run-document.js';
import { countDifferences, type VerificationProgress, type VerificationResult } from './verification-progress.js';

const count = z.int().min(0);

export const VerificationSchema = z
  .object({
    ...runFields,
    result: z
      .enum(['equal', 'different', 'open'])
      .nullable()
      .describe('`open`: writes were still missing on a side 30 s after everything else was compared.'),
    orders: z.object({ legacy: count, new: count }).describe('How many orders each side has.'),
    differences: count,
    byKind: z
      .object({
        'missing-in-new': count,
        'missing-in-legacy': count,
        differs: count,
        doubled: count,
        unreadable: count,
      })
      .describe('How many differences there are of each kind.'),
    openIntervals: count.describe('How many intervals of 1,000 numbers wait for writes that are on their way.'),
  })
  .meta({ title: 'Verification' });
export type VerificationResponse = z.infer<typeof VerificationSchema>;

export const DifferencesSchema = z
  .object({
    items: z.array(
      z
        .looseObject({
          kind: z.enum(['missing-in-new', 'missing-in-legacy', 'differs', 'doubled', 'unreadable']),
          number: z.int().nullable().describe('The legacy number.'),
          id: z.string().nullish(),
          fields: z
            .array(z.object({ path: z.string(), legacy: z.unknown(), new: z.unknown() }))
            .optional()
            .describe('Of `differs`: the values of both sides, as the legacy system would show them.'),
          reason: z.unknown().optional().describe('Of `missing-in-new`: why it has no exact translation, if so.'),
        })
        .meta({ title: 'VerifiedDifference' }),
    ),
  })
  .meta({ title: 'Differences' });

export function verificationResponse(run: RunDocument<VerificationProgress, VerificationResult>): VerificationResponse {
  const { orders, differences, putOff } = run.progress;
  const none = { 'missing-in-new': 0, 'missing-in-legacy': 0, differs: 0, doubled: 0, unreadable: 0 };
  return {
    ...runResponse(run),
    result: run.result,
    orders,
    differences: countDifferences(run.progress),
    byKind: { ...none, ...differences },
    openIntervals: putOff.length,
  };
}
