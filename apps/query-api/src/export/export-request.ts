import { z } from 'zod';
import { orderId } from '../orders/batch-get.js';
import { orderQueryParameters } from '../order-query/order-query-parameters.js';

/** `GET /v1/orders/export`. */
export const ExportQuerySchema = z.strictObject({
  format: z
    .enum(['ndjson', 'csv', 'chunks'])
    .describe(
      '`chunks`: a zip of JSON arrays of 1,000 orders, the format of the legacy system; it can be imported again.',
    ),
  ...orderQueryParameters,
  after: orderId
    .optional()
    .describe(
      'Resumes an interrupted export after this order, the last one received. Filter and sort must be the same.',
    ),
});

export type ExportRequest = z.infer<typeof ExportQuerySchema>;
