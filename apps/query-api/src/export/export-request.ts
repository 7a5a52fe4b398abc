import { z } from 'zod';
import { orderId } from '../orders/batch-get.js';
import { explainSummaryFilter, orderQueryParameters } from '../order-query/order-query-parameters.js';

/** The OpenAPI description of the formats. */
export const EXPORT_CONTENT = {
  'application/x-ndjson': {
    schema: { type: 'string' as const, description: '`ndjson`: one order a line, as in `GET /v1/orders`.' },
    example: '{"id":"970844c7-0d33-82a3-ba87-000000001266","number":4711,"accountId":"acc-0004711",…}\n',
  },
  'text/csv': {
    schema: {
      type: 'string' as const,
      description:
        '`csv`: a header line, then one order a line. An apostrophe is put before texts that a spreadsheet would run as a formula.',
    },
  },
  'application/zip': {
    schema: { type: 'string' as const, format: 'binary', description: '`chunks`: JSON arrays of 1,000 orders.' },
  },
};

/** `GET /v1/orders/export`. */
export const ExportQuerySchema = z.strictObject(
  {
    format: z
      .enum(['ndjson', 'csv', 'chunks'])
      .describe(
        'The format of the file. `chunks`: a zip of JSON arrays of 1,000 orders, the format of the legacy system; it can be imported again.',
      )
      .meta({ examples: ['csv'] }),
    ...orderQueryParameters,
    after: orderId
      .optional()
      .describe(
        'Resumes an interrupted export after this order, the last one received. Filter and sort must be the same.',
      ),
  },
  { error: explainSummaryFilter },
);

export type ExportRequest = z.infer<typeof ExportQuerySchema>;
