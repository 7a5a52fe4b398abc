import { z } from 'zod';
import { orderId } from '../orders/batch-get.js';
import { orderQueryParameters } from '../order-query/order-query-parameters.js';

/** `GET /v1/orders/export`. */
export const ExportQuerySchema = z.strictObject({
  format: z
    .enum(['ndjson', 'csv', 'chunks'])
    .describe(
      '`chunks`: a zip of JSON arrays of 1,000 orders, the form of the legacy system; it can be imported again.',
    ),
  ...orderQueryParameters,
  after: orderId
    .optional()
    .describe(
      'Goes on behind this order, the last one of an export that broke off; the filter and the sort must be the same.',
    ),
});

export type ExportRequest = z.infer<typeof ExportQuerySchema>;
