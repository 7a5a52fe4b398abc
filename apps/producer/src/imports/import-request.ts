import { z } from 'zod';

function numberOf(form: RegExp, minimum: number, maximum: number) {
  return z
    .string({ error: 'must be given once' })
    .regex(form, `must be a number from ${minimum} to ${maximum}`)
    .transform(Number)
    .refine((value) => value >= minimum && value <= maximum, `must be from ${minimum} to ${maximum}`);
}

/** The query of `POST /v1/imports`; the bounds are those of a populate. */
export const ImportQuerySchema = z.strictObject({
  chunkSize: numberOf(/^\d{1,4}$/, 1, 5_000)
    .default(1_000)
    .meta({ type: 'integer', minimum: 1, maximum: 5_000 })
    .describe('Orders that Kafka acknowledges at once, at the most.'),
  ratePerSecond: numberOf(/^\d{1,8}(\.\d{1,3})?$/, 0.1, 10_000_000)
    .meta({ type: 'number', minimum: 0.1, maximum: 10_000_000 })
    .optional()
    .describe('Orders per second since the emission began, on average; as fast as Kafka takes them by default.'),
});

export type ImportQuery = z.infer<typeof ImportQuerySchema>;

/** The JSON body of `POST /v1/imports`. */
export const FolderRequestSchema = z.strictObject({
  folder: z
    .string()
    .max(1_024)
    .describe('A folder below the one that the operator allowed (setting IMPORT_DIR); "." is that one itself.')
    .meta({ examples: ['2026-01'] }),
});
