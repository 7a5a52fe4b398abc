import { z } from 'zod';
import { queryInteger } from '#service/http/input-numbers.js';

const MAX_WAIT_MS = 10_000;

/** `GET /v1/orders/{id}`. */
export const OneOrderQuerySchema = z.strictObject({
  waitMs: queryInteger(0, MAX_WAIT_MS)
    .default(0)
    .meta({ default: 0 })
    .describe('How long to wait for an order that is not saved yet, in milliseconds.'),
});

export type OneOrderQuery = z.infer<typeof OneOrderQuerySchema>;
