import { z } from 'zod';

function numberParameter(form: RegExp, minimum: number, maximum: number) {
  return z
    .string({ error: 'must be given once' })
    .regex(form, `must be a number from ${minimum} to ${maximum}`)
    .transform(Number)
    .refine((value) => value >= minimum && value <= maximum, `must be from ${minimum} to ${maximum}`);
}

/** The query of `POST /v1/imports`. The limits are the same as for a populate. */
export const ImportQuerySchema = z.strictObject({
  chunkSize: numberParameter(/^\d{1,4}$/, 1, 5_000)
    .default(1_000)
    .meta({ type: 'integer', minimum: 1, maximum: 5_000 })
    .describe('Maximum number of orders per chunk; Kafka acknowledges each chunk before the next is sent.'),
  ratePerSecond: numberParameter(/^\d{1,8}(\.\d{1,3})?$/, 0.1, 10_000_000)
    .meta({ type: 'number', minimum: 0.1, maximum: 10_000_000 })
    .optional()
    .describe('Average orders per second since the emission began. Default: as fast as Kafka acknowledges.'),
});

export type ImportQuery = z.infer<typeof ImportQuerySchema>;

/** The JSON body of `POST /v1/imports`. */
export const FolderRequestSchema = z.strictObject({
  folder: z
    .string()
    .max(1_024)
    .describe('A folder relative to the allowed one (setting IMPORT_DIR); "." is the allowed folder itself.')
    .meta({ examples: ['2026-01'] }),
});
