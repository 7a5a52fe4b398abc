import { hostname } from 'node:os';
import { z } from 'zod';
import { authSettings } from '#service/auth/auth-settings.js';
import { profileSettings } from '#service/profiles/profile-folder.js';
import { kafkaSettings } from '#service/settings/kafka-settings.js';
import { httpSettings, mongoSettings } from '#service/settings/service-settings.js';
import { wholeNumber } from '#service/settings/settings.js';

export const settingsSchema = z.object({
  ...httpSettings(0),
  ...authSettings,
  ...profileSettings,
  ...mongoSettings,
  ...kafkaSettings,
  INSTANCE_NAME: z.string().max(100).default(hostname()).meta({
    description: 'Display name of the consumer.',
    allowed: 'a name of at most 100 characters',
    shownDefault: "the host's name",
    perProcess: true,
  }),
  IN_FLIGHT_LIMIT: z
    .union([z.literal('auto'), wholeNumber(1, 1_000_000)])
    .default(6_000)
    .meta({
      description: 'Maximum orders in flight in one consumer; `auto`: adjusted by the engine, up to 10,000.',
      allowed: 'auto, or an integer from 1 to 1,000,000',
    }),
  IN_FLIGHT_OVERRIDES_SINCE: z.iso
    .datetime()
    .transform((text) => new Date(text))
    .optional()
    .meta({
      description: 'In-flight overrides that were set before this time are ignored.',
      allowed: 'a time in UTC such as 2026-01-31T12:00:00Z',
      perProcess: true,
    }),
  // An order has about 80 bytes and always less than 1,000.
  MAX_ORDER_BYTES: wholeNumber(1_000, 1_048_576).default(16_384).meta({
    description: "Maximum bytes of a record's value; a larger one is dead-lettered (`oversized` faults have 24 KiB).",
  }),
  POISON_SHARE: z
    .string()
    .regex(/^(?:0(?:\.\d{1,6})?|1)$/)
    .transform(Number)
    .default(0.5)
    .meta({
      description:
        'The consumer suspends itself (a mass failure) when more than this share of the last 1,000 records failed for good; 1: never, dead-letter them all.',
      allowed: 'a number from 0 to 1 such as 0.5',
    }),
  ORDERING: z.enum(['key', 'partition', 'unordered']).default('key').meta({
    description: 'Ordering guarantee: per account (`key`), per partition (`partition`) or none (`unordered`).',
  }),
  BATCH_WAIT_MS: wholeNumber(0, 10_000).default(100).meta({
    description:
      'Longest time in ms that an order waits for others, to be inserted with them. It waits under load only, at most as long as the last insert took.',
  }),
  SAVE_DELAY_MS: z
    .string()
    .regex(/^\d{1,7}\.\.\d{1,7}$/)
    .default('0..1000')
    .transform((text) => {
      const [minimum = 0, maximum = 0] = text.split('..').map(Number);
      return { minimum, maximum };
    })
    .refine(({ minimum, maximum }) => minimum <= maximum)
    .meta({
      description: 'Duration of a simulated save in ms, evenly distributed.',
      allowed: 'MIN..MAX in ms such as 0..1000, the minimum first, each at most 9,999,999',
    }),
  SAVE_DELAY_SEED: wholeNumber(0, Number.MAX_SAFE_INTEGER).optional().meta({
    description: 'Seed of the delays: an order has the same delay in every run. Unset: random.',
  }),
});
