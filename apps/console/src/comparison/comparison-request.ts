import { z } from 'zod';

/** As many as `npm run compare -- --orders` takes. */
const MAX_ORDERS = 10_000;

/** `POST /v1/comparison`. */
export const ComparisonRequestSchema = z
  .strictObject({
    orders: z.int().min(1).max(MAX_ORDERS).default(1_000).describe('How many orders are saved in each way.'),
    saveMs: z
      .string()
      .regex(/^\d{1,5}\.\.\d{1,5}$/, 'must be MIN..MAX in milliseconds, such as 0..1000')
      .default('0..1000')
      .refine((text) => {
        const [minimum = 0, maximum = 0] = text.split('..').map(Number);
        return maximum >= 1 && minimum <= maximum;
      }, 'its second number must be at least 1, and not below its first')
      .describe('How long each simulated save takes, evenly drawn, in milliseconds.'),
    full: z
      .boolean()
      .default(false)
      .describe('All orders in every way, some 13 minutes; otherwise slow ways are measured on a sample.'),
  })
  .prefault({})
  .meta({ title: 'ComparisonRequest' });

export type ComparisonRequest = z.infer<typeof ComparisonRequestSchema>;
