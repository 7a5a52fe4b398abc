import { z } from 'zod';
import { wholeNumber, httpAddress } from '#service/settings/settings.js';
import {
  httpSettings,
  mongoSettings,
  auditSettings,
  legacySettings,
  concurrencySettings,
} from '#service/settings/service-settings.js';
import { timeLimit } from '#orders/time-limit.js';
import { authSettings } from '#service/auth/auth-settings.js';
import { profileSettings } from '#service/profiles/profile-folder.js';

/** The settings of the migration's stages; part of the facade's settings. */
const migrationSettings = {
  FACADE_INSTANCE: z
    .string()
    .regex(/^[\w.:-]{1,100}$/)
    .optional()
    .meta({
      description: 'Name of this facade instance, the same after each start; each instance needs its own.',
      allowed: 'a name of at most 100 letters, digits and . : _ -',
      shownDefault: 'the host name, with the port',
      perProcess: true,
    }),
  GATE_MIN_SAMPLES: wholeNumber(0, 1_000_000_000)
    .default(1_000)
    .meta({ description: 'Compared answers since the last change before a stage may go to `live` and beyond.' }),
  GATE_MAX_MISMATCHES: wholeNumber(0, 1_000_000).default(0).meta({ description: 'Mismatches that the gate accepts.' }),
  GATE_MAX_ERROR_RATE: share('0.001').meta({ description: 'Error rate of the target that the gate accepts.' }),
  GATE_P99_FACTOR: positive('1.5').meta({
    description: "p99 of the target that the gate accepts, as a multiple of the legacy system's.",
  }),
  GATE_P99_FLOOR_MS: wholeNumber(0, 600_000)
    .default(50)
    .meta({ description: 'p99 of the target that the gate always accepts, in milliseconds.' }),
  INTENT_MAX_AGE_MS: wholeNumber(100, 600_000).default(timeLimit(10_000)).meta({
    description: 'Age of an open write intent, in milliseconds, from which its bucket admits no more writes.',
  }),
  INTENT_MAX_OPEN: wholeNumber(1, 10_000)
    .default(1_000)
    .meta({ description: 'Open write intents of a bucket from which it admits no more writes.' }),
  ROLLBACK_MAX_ERROR_RATE: share('0.05').meta({
    description: 'Error rate of the target in the last 5 s above which a stage is rolled back automatically.',
  }),
  ROLLBACK_MIN_REQUESTS: wholeNumber(1, 1_000_000)
    .default(20)
    .meta({ description: 'Requests to the target in the last 5 s that such an error rate needs.' }),
  ROLLBACK_MAX_MISMATCHES: wholeNumber(0, 1_000_000)
    .default(0)
    .meta({ description: 'Mismatches since the last change above which a stage is rolled back automatically.' }),
  CHANGE_LIMIT_MS: wholeNumber(1_000, 600_000).default(timeLimit(10_000)).meta({
    description: 'Time in which all instances must acknowledge a change, in milliseconds; then it is abandoned.',
  }),
};

function share(byDefault: string) {
  return positive(byDefault)
    .refine((value) => value <= 1)
    .meta({ allowed: 'a number from 0 to 1' });
}

function positive(byDefault: string) {
  return z
    .string()
    .default(byDefault)
    .transform(Number)
    .refine((value) => Number.isFinite(value) && value >= 0)
    .meta({ allowed: 'a number of at least 0' });
}

/** The limits of the migration's stages and writes, by the names of their settings. */
export type MigrationSettings = Readonly<Omit<z.infer<z.ZodObject<typeof migrationSettings>>, 'FACADE_INSTANCE'>>;

export const settingsSchema = z.object({
  ...httpSettings(3005),
  ...authSettings,
  ...profileSettings,
  ...auditSettings,
  ...mongoSettings,
  ...legacySettings,
  ...migrationSettings,
  LEGACY_URL: httpAddress().default('http://127.0.0.1:3010').meta({
    description: 'The legacy system behind the facade.',
    perProcess: true,
  }),
  PRODUCER_URL: z.url().default('http://127.0.0.1:3001').meta({
    description: 'The producer, to which the facade sends orders.',
    allowed: 'an address such as http://127.0.0.1:3001',
    perProcess: true,
  }),
  QUERY_API_URL: z.url().default('http://127.0.0.1:3000').meta({
    description: 'The query API, from which the facade reads orders.',
    allowed: 'an address such as http://127.0.0.1:3000',
    perProcess: true,
  }),
  LEGACY_CLIENTS_FILE: z.string().optional().meta({
    description:
      "File with the API keys of the legacy system's clients; read again when it changes. Unset: no keys, and only on loopback.",
    allowed: 'the path of a JSON file, see docs/migrate.md',
  }),
  IGNORE_RULES_FILE: z.string().optional().meta({
    description: 'File with known differences between the two sides; read again when it changes.',
    allowed: 'the path of a JSON file, see docs/migrate.md',
  }),
  COMPARED_PER_SECOND: wholeNumber(0, 10_000).default(25).meta({
    description: 'The most answers of a facade that are compared in a second: bounds what comparisons cost. 0: none.',
  }),
  LEGACY_CONNECTIONS: wholeNumber(1, 10_000).default(128).meta({
    description: 'Connections of a facade to the legacy system for reads of clients, and as many for their writes.',
  }),
  LEGACY_TIMEOUT_MS: wholeNumber(100, 600_000).default(timeLimit(10_000)).meta({
    description:
      'Milliseconds until the legacy system counts as unavailable for a request, and until a write has an unknown outcome.',
  }),
  NEW_SIDE_CONNECTIONS: wholeNumber(1, 10_000).default(128).meta({
    description:
      'Connections of a facade to the producer, and to the query API, for reads of clients, and as many for their writes.',
  }),
  NEW_SIDE_TIMEOUT_MS: wholeNumber(100, 600_000).default(timeLimit(10_000)).meta({
    description:
      'Milliseconds until the target counts as unavailable for a request, and until a write has an unknown outcome.',
  }),
  ...concurrencySettings('LONG_ANSWERS', 'Answers above 1 MiB that the facade sends,', { perCaller: 32, inTotal: 64 }),
  FACADE_CLIENT_ID: z.string().default('orders-facade').meta({
    description:
      'OAuth client with which the facade requests tokens for the producer and the query API, with `AUTH_ISSUER`.',
    allowed: 'a client id',
  }),
  FACADE_CLIENT_SECRET: z.string().optional().meta({
    description: 'The secret of `FACADE_CLIENT_ID`; required with `AUTH_ISSUER`.',
    allowed: 'a client secret',
    secret: true,
  }),
});
