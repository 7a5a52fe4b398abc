import { z } from 'zod';
import { OrderResponseSchema } from '#orders/order-response.js';

const MAX_IDS = 1_000;

export const orderId = z.guid('must be a UUID').transform((id) => id.toLowerCase());

/** `POST /v1/orders/batch-get`. */
export const BatchGetSchema = z
  .strictObject({
    ids: z.array(orderId).min(1).max(MAX_IDS).describe('Up to 1,000 ids; one that is given twice counts once.'),
  })
  .meta({ title: 'BatchGet' });

export const BatchGetResponseSchema = z
  .object({
    items: z.array(OrderResponseSchema).describe('Those that are saved, in the order in which they were asked for.'),
    missing: z.array(z.uuid()).describe('Ids under which no order is saved, or not yet.'),
  })
  .meta({ title: 'BatchGetResponse' });

export type BatchGet = z.infer<typeof BatchGetSchema>;
export type BatchGetResponse = z.infer<typeof BatchGetResponseSchema>;
