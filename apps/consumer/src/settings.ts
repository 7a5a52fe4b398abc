import { hostname } from 'node:os';
import { z } from 'zod';
import { httpSettings, kafkaSettings, loadSettings, mongoSettings, wholeNumber } from '#service/settings.js';

const SettingsSchema = z.object({
  ...httpSettings(0),
  ...mongoSettings,
  ...kafkaSettings,
  /** What people call this consumer. */
  INSTANCE_NAME: z.string().max(100).default(hostname()),
  IN_FLIGHT_LIMIT: z.union([z.literal('auto'), wholeNumber(1, 1_000_000)]).default(6_000),
  /** Limits that were set for all consumers before that time don't count. */
  IN_FLIGHT_OVERRIDES_SINCE: z.iso
    .datetime()
    .transform((text) => new Date(text))
    .optional(),
  /**
   * Bytes of a record's value; a larger one is not read, but dead-lettered. An order has some 80, and less than 1,000 whatever it says.
   * The `oversized` records of a populate's faults have 24 KiB: with a higher limit they are saved.
   */
  MAX_ORDER_BYTES: wholeNumber(1_000, 1_048_576).default(16_384),
  /** What keeps its order: the orders of an account, all of a partition, or nothing. */
  ORDERING: z.enum(['key', 'partition', 'unordered']).default('key'),
  SAVE_DELAY_MS: z
    .string()
    .regex(/^\d{1,7}\.\.\d{1,7}$/, 'must be MIN..MAX in milliseconds, such as 0..1000')
    .default('0..1000')
    .transform((text) => {
      const [minimum = 0, maximum = 0] = text.split('..').map(Number);
      return { minimum, maximum };
    })
    .refine(({ minimum, maximum }) => minimum <= maximum, 'its first number must not be above its second'),
  /** The same wait for the same order in every run, for comparisons. Unset: at random. */
  SAVE_DELAY_SEED: wholeNumber(0, Number.MAX_SAFE_INTEGER).optional(),
});

export const settings = loadSettings(SettingsSchema, process.env);
