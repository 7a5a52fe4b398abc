import { z } from 'zod';
import { queryInteger, queryNumber } from '#service/http/request-input.js';

/** The query of `POST /v1/imports`. The limits are the same as for a populate. */
export const ImportQuerySchema = z.strictObject({
  chunkSize: queryInteger(1, 5_000)
    .default(1_000)
    .meta({ default: 1_000 })
    .describe('Maximum number of orders per chunk; Kafka acknowledges each chunk before the next is sent.'),
  ratePerSecond: queryNumber(0.1, 10_000_000)
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
