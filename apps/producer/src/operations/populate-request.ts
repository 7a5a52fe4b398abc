import { z } from 'zod';
import { FAULTS } from '#orders/fault-mix.js';
import type { PopulateDocument } from '#orders/operation.js';

const DAY_MS = 24 * 60 * 60 * 1000;
const MAX_COUNT = 10_000_000;

const date = z.iso
  .datetime({ offset: true, error: 'must be a date and time as ISO 8601, such as 2026-01-31T12:00:00Z' })
  .transform((text) => new Date(text))
  .refine((value) => value.getTime() >= 0 && value.getUTCFullYear() <= 9999, 'must be from 1970 to 9999');

const fraction = z.number().min(0).max(1).default(0);

/** Fractions of orders. */
const FaultMixSchema = z
  .strictObject({
    poison: fraction.describe('Records that can not be decoded, in the place of orders.'),
    oversized: fraction.describe("Records over the consumers' size limit, in the place of orders."),
    duplicate: fraction.describe('Orders whose record comes a second time.'),
    conflict: fraction.describe('Orders after which another one with their id and other content comes.'),
  })
  .refine(({ poison, oversized }) => poison + oversized <= 1, {
    path: ['oversized'],
    message: 'must not be above 1 together with `poison`',
  });

/** The body of `POST /v1/populate`. */
export const PopulateRequestSchema = z
  .strictObject({
    count: z
      .int()
      .min(1)
      .max(MAX_COUNT)
      .describe('How many orders to make.')
      .meta({ examples: [100_000] }),
    seed: z
      .int()
      .min(0)
      .max(Number.MAX_SAFE_INTEGER)
      .optional()
      .describe(
        'The same seed gives the same accounts, symbols, prices and quantities. Random by default, and returned.',
      ),
    // All of a chunk may fall on one partition, and its batch there must stay below the topic's 1 MiB.
    chunkSize: z
      .int()
      .min(1)
      .max(5_000)
      .default(1_000)
      .describe('Orders that Kafka acknowledges at once, at the most.'),
    ratePerSecond: z
      .number()
      .min(0.1)
      .max(10_000_000)
      .optional()
      .describe('Orders per second since the start, on average: a stall is caught up with.'),
    accounts: z.int().min(1).max(10_000_000).default(100_000).describe('Accounts that the orders are spread over.'),
    from: date.optional().describe('createdAt of the first order; 24 hours before `to` by default.'),
    to: date.optional().describe('Where createdAt ends; now by default.'),
    faults: FaultMixSchema.optional().describe(
      'Records that are wrong on purpose, to test the pipeline with: the same seed strikes the same orders. All but `duplicate` become dead letters.',
    ),
  })
  .refine(({ from, to }) => from === undefined || from < (to ?? new Date()), {
    path: ['from'],
    message: 'must be before `to`',
  });

export type PopulateRequest = z.infer<typeof PopulateRequestSchema>;

/** Fills in what was left out, once: everything else is then a function of the operation. */
export function completed(
  request: PopulateRequest,
  now: Date,
  random: () => number,
): Pick<PopulateDocument, 'count' | 'seed' | 'chunkSize' | 'accounts' | 'from' | 'to' | 'ratePerSecond' | 'faults'> {
  const to = request.to ?? now;
  return {
    count: request.count,
    seed: request.seed ?? Math.floor(random() * Number.MAX_SAFE_INTEGER),
    chunkSize: request.chunkSize,
    accounts: request.accounts,
    ratePerSecond: request.ratePerSecond ?? null,
    from: request.from ?? new Date(to.getTime() - DAY_MS),
    to,
    faults: request.faults !== undefined && FAULTS.some((fault) => request.faults?.[fault]) ? request.faults : null,
  };
}
