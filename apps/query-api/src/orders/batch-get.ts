import { z } from 'zod';
import { OrderResponseSchema } from '#orders/order/order-response.js';

const MAX_IDS = 1_000;

/** No example: Swagger UI would send it, and no order has it. */
export const orderId = z
  .guid({ error: ({ input }) => explainId(input) })
  .transform((id) => id.toLowerCase())
  .describe('The id of an order, such as one of `items` in `GET /v1/orders`.');

/** Explains an invalid id; for a number, with the request that finds the order of this number. */
function explainId(id: unknown): string {
  const number = /^[1-9]\d{0,15}$/.exec(String(id))?.[0];
  if (number === undefined) return 'must be a UUID';
  return `must be a UUID (/v1/orders/range?from=${number}&to=${number} has the order of a number)`;
}

/** `POST /v1/orders/batch-get`. */
export const BatchGetSchema = z
  .strictObject({
    ids: z
      .array(orderId)
      .min(1)
      .max(MAX_IDS)
      .describe('Up to 1,000 ids; duplicates count once.')
      .meta({ examples: [['970844c7-0d33-82a3-ba87-000000001266']] }),
  })
  .meta({ title: 'BatchGetRequest' });

export const BatchGetResponseSchema = z
  .object({
    items: z.array(OrderResponseSchema).describe('The saved orders, in the order of the requested ids.'),
    missing: z.array(z.uuid()).describe('The ids of orders that do not exist, are not saved yet, or are archived.'),
  })
  .meta({ title: 'BatchGetResponse' });

export type BatchGet = z.infer<typeof BatchGetSchema>;
export type BatchGetResponse = z.infer<typeof BatchGetResponseSchema>;
