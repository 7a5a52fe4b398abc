import { z } from 'zod';
import { FAULTS } from '#orders/operation/fault-mix.js';
import type { PopulateDocument } from '#orders/operation/operation.js';

const DAY_MS = 24 * 60 * 60 * 1000;
const MAX_COUNT = 10_000_000;

const date = z.iso
  .datetime({ offset: true, error: 'must be a date and time as ISO 8601, such as 2026-01-31T12:00:00Z' })
  .transform((text) => new Date(text))
  .refine((value) => value.getTime() >= 0 && value.getUTCFullYear() <= 9999, 'must be from 1970 to 9999');

const fraction = z.number().min(0).max(1).default(0);

/** The fractions of orders with each fault. */
const FaultMixSchema = z
  .strictObject({
    poison: fraction.describe('Undecodable records that replace orders.'),
    oversized: fraction.describe("Records above the consumers' size limit that replace orders."),
    duplicate: fraction.describe('Orders whose record is sent twice.'),
    conflict: fraction.describe('Orders followed by another order with the same id and different content.'),
  })
  .refine(({ poison, oversized }) => poison + oversized <= 1, {
    path: ['oversized'],
    message: 'the sum of `poison` and `oversized` must be at most 1',
  });

/** The body of `POST /v1/populate`. */
export const PopulateRequestSchema = z
  .strictObject({
    count: z
      .int()
      .min(1)
      .max(MAX_COUNT)
      .describe('Number of orders to generate.')
      .meta({ examples: [100_000] }),
    seed: z
      .int()
      .min(0)
      .max(Number.MAX_SAFE_INTEGER)
      .optional()
      .describe(
        'The same seed generates the same accounts, symbols, prices and quantities. Random by default; returned in the response.',
      ),
    // A whole chunk may go to one partition, and its batch must stay below the topic's limit of 1 MiB.
    chunkSize: z
      .int()
      .min(1)
      .max(5_000)
      .default(1_000)
      .describe('Maximum number of orders per chunk; Kafka acknowledges each chunk before the next is sent.'),
    ratePerSecond: z
      .number()
      .min(0.1)
      .max(10_000_000)
      .optional()
      .describe('Average orders per second since the start. The emission catches up after a stall.'),
    accounts: z.int().min(1).max(10_000_000).default(100_000).describe('Number of accounts that the orders belong to.'),
    from: date.optional().describe('createdAt of the first order. Default: 24 hours before `to`.'),
    to: date.optional().describe('End of the createdAt range. Default: now.'),
    faults: FaultMixSchema.optional().describe(
      'Deliberately faulty records, to test the pipeline. The same seed affects the same orders. All but `duplicate` become dead letters.',
    ),
  })
  .refine(({ from, to }) => from === undefined || from < (to ?? new Date()), {
    path: ['from'],
    message: 'must be before `to`',
  });

export type PopulateRequest = z.infer<typeof PopulateRequestSchema>;

/** Fills in the defaults once, so that the emission is a pure function of the stored operation. */
export function withDefaults(
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
