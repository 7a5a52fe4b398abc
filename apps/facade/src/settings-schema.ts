import { z } from 'zod';
import { auditSettings } from '#service/audit/audit-settings.js';
import { authSettings } from '#service/auth/auth-settings.js';
import { legacySettings } from '#service/settings/legacy-settings.js';
import { httpAddress, httpSettings, mongoSettings, wholeNumber } from '#service/settings/settings.js';
import { placeSettings } from '#service/settings/place-settings.js';
import { migrationSettings } from './migration/migration-settings.js';
import { timeLimit } from '#orders/time-limit.js';

export const settingsSchema = z.object({
  ...httpSettings(3005),
  ...authSettings,
  ...auditSettings,
  ...mongoSettings,
  ...legacySettings,
  ...migrationSettings,
  LEGACY_URL: httpAddress().default('http://127.0.0.1:3010').meta({
    description: 'The legacy system that the facade stands before.',
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
    allowed: 'the path of a JSON file, see docs/migration.md',
  }),
  IGNORE_RULES_FILE: z.string().optional().meta({
    description: 'File with known differences between the two sides; read again when it changes.',
    allowed: 'the path of a JSON file, see docs/migration.md',
  }),
  COMPARED_PER_SECOND: wholeNumber(0, 10_000).default(25).meta({
    description: 'The most answers of a facade that are compared in a second: bounds what comparisons cost. 0: none.',
  }),
  LEGACY_CONNECTIONS: wholeNumber(1, 10_000).default(128).meta({
    description: 'Connections of a facade to the legacy system for reads of clients, and as many for their writes.',
  }),
  LEGACY_TIMEOUT_MS: wholeNumber(100, 600_000).default(timeLimit(10_000)).meta({
    description:
      'Milliseconds until the legacy system counts as away for a request, and until a write has an unknown outcome.',
  }),
  NEW_SIDE_CONNECTIONS: wholeNumber(1, 10_000).default(128).meta({
    description:
      'Connections of a facade to the producer, and to the query API, for reads of clients, and as many for their writes.',
  }),
  NEW_SIDE_TIMEOUT_MS: wholeNumber(100, 600_000).default(timeLimit(10_000)).meta({
    description:
      'Milliseconds until the new side counts as away for a request, and until a write has an unknown outcome.',
  }),
  ...placeSettings('LONG_ANSWERS', 'Answers above 1 MiB that the facade sends,', { perCaller: 32, inTotal: 64 }),
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
