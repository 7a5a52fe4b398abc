import { z } from 'zod';

/** The same limit as that of `npm run compare -- --orders`. */
const MAX_ORDERS = 10_000;

/** `POST /v1/comparison`. */
export const ComparisonRequestSchema = z
  .strictObject({
    orders: z.int().min(1).max(MAX_ORDERS).default(1_000).describe('Orders that each way saves.'),
    saveMs: z
      .string()
      .regex(/^\d{1,5}\.\.\d{1,5}$/, 'must be MIN..MAX in milliseconds, such as 0..1000')
      .default('0..1000')
      .refine((text) => {
        const [minimum = 0, maximum = 0] = text.split('..').map(Number);
        return maximum >= 1 && minimum <= maximum;
      }, 'its second number must be at least 1 and not less than its first')
      .describe('Range of the simulated save time in milliseconds, uniformly distributed.'),
    full: z
      .boolean()
      .default(false)
      .describe(
        'Save all orders in every way, which takes about 13 minutes. By default slow ways are measured on a sample.',
      ),
  })
  .prefault({})
  .meta({ title: 'ComparisonRequest' });

export type ComparisonRequest = z.infer<typeof ComparisonRequestSchema>;
