import { hostname } from 'node:os';
import { z } from 'zod';
import { httpSettings, kafkaSettings, loadSettings, mongoSettings, wholeNumber } from '#service/settings.js';

const SettingsSchema = z.object({
  ...httpSettings(0),
  ...mongoSettings,
  ...kafkaSettings,
  /** Display name of this consumer. */
  INSTANCE_NAME: z.string().max(100).default(hostname()),
  IN_FLIGHT_LIMIT: z.union([z.literal('auto'), wholeNumber(1, 1_000_000)]).default(6_000),
  /** Ignores in-flight overrides that were set before this time. */
  IN_FLIGHT_OVERRIDES_SINCE: z.iso
    .datetime()
    .transform((text) => new Date(text))
    .optional(),
  /**
   * Maximum size of a record's value, in bytes; a larger one is dead-lettered without decoding. An order has about 80 bytes and
   * always less than 1,000. The injected `oversized` records have 24 KiB: with a higher limit they are saved.
   */
  MAX_ORDER_BYTES: wholeNumber(1_000, 1_048_576).default(16_384),
  /** Scope of the processing order: per account (`key`), per partition, or none. */
  ORDERING: z.enum(['key', 'partition', 'unordered']).default('key'),
  SAVE_DELAY_MS: z
    .string()
    .regex(/^\d{1,7}\.\.\d{1,7}$/, 'must be MIN..MAX in milliseconds, such as 0..1000')
    .default('0..1000')
    .transform((text) => {
      const [minimum = 0, maximum = 0] = text.split('..').map(Number);
      return { minimum, maximum };
    })
    .refine(({ minimum, maximum }) => minimum <= maximum, 'MIN must not be above MAX'),
  /** Seed for reproducible delays, to compare runs: each order waits equally long in every run. If unset, delays are random. */
  SAVE_DELAY_SEED: wholeNumber(0, Number.MAX_SAFE_INTEGER).optional(),
});

export const settings = loadSettings(SettingsSchema, process.env);
