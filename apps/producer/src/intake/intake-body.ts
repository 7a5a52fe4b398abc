import { z } from 'zod';
import { IntakeOrderSchema, type IntakeOrder } from '#orders/order/intake-order.js';
import { MAX_BATCH_ORDERS } from './intake-queue.js';

const ManyOrdersSchema = z
  .array(IntakeOrderSchema)
  .min(1)
  .max(MAX_BATCH_ORDERS)
  .superRefine((orders, context) => {
    const indexes = new Map<string, number>();
    for (const [index, { id }] of orders.entries()) {
      const earlier = id === undefined ? undefined : indexes.get(id);
      if (earlier !== undefined)
        context.addIssue({
          code: 'custom',
          path: [index, 'id'],
          message: `must not be the id of order ${earlier} too`,
        });
      else if (id !== undefined) indexes.set(id, index);
    }
  });

/** One order, or an array of orders. */
export type IntakeBody = IntakeOrder | IntakeOrder[];

const either = z.union([IntakeOrderSchema, ManyOrdersSchema]);

/**
 * The body of `POST /v1/orders`. It validates an array against the schema of arrays, and anything else against that of an order:
 * the issues of a union would not name the invalid field.
 */
export const IntakeBodySchema = Object.defineProperty(either, '~standard', {
  value: {
    ...either['~standard'],
    validate: (body: unknown) =>
      (Array.isArray(body) ? ManyOrdersSchema : IntakeOrderSchema)['~standard'].validate(body),
  },
});

/** The response of `POST /v1/orders`. */
export const AcceptedOrdersSchema = z
  .object({
    operationId: z.uuid().describe('The operation of the day that these orders belong to.'),
    items: z
      .array(z.object({ id: z.uuid(), number: z.int().min(1) }).meta({ title: 'AcceptedOrder' }))
      .describe('In the order of the request.'),
  })
  .meta({ title: 'AcceptedOrders' });

export type AcceptedOrders = z.infer<typeof AcceptedOrdersSchema>;
