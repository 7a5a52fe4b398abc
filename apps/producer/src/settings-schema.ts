import { z } from 'zod';
import {
  auditSettings,
  faultSettings,
  eventStreamSettings,
  concurrencySettings,
  httpSettings,
  mongoSettings,
  queryApiPublicUrl,
} from '#service/settings/service-settings.js';
import { authSettings } from '#service/auth/auth-settings.js';
import { profileSettings } from '#service/profiles/profile-folder.js';
import { kafkaSettings } from '#service/settings/kafka-settings.js';
import { wholeNumber } from '#service/settings/settings.js';

/** A hundred years. */
const MAX_RETENTION_DAYS = 36_500;

export const settingsSchema = z.object({
  ...httpSettings(3001),
  ...authSettings,
  ...profileSettings,
  ...auditSettings,
  ...mongoSettings,
  ...kafkaSettings,
  ...faultSettings,
  LAG_CEILING: wholeNumber(1, Number.MAX_SAFE_INTEGER).default(5_000_000).meta({
    description: 'Maximum consumer lag in records; at this lag, publishing pauses until the consumers have caught up.',
  }),
  IMPORT_DIR: z.string().optional().meta({
    description:
      'The folder that imports can read, including its subfolders; unset: imports from folders are rejected. Not passed on by Docker Compose.',
    allowed: 'the path of a folder',
  }),
  IMPORT_MAX_BYTES: wholeNumber(1, Number.MAX_SAFE_INTEGER)
    .default(8 * 1024 ** 3)
    .meta({ description: 'Maximum bytes of all files of an import, uncompressed.' }),
  STAGED_BYTES_PER_CALLER: wholeNumber(0, Number.MAX_SAFE_INTEGER)
    .default(32 * 1024 ** 3)
    .meta({ description: 'Bytes of imports of one caller that wait in MongoDB to be read; 0: no limit.' }),
  STAGED_BYTES_IN_TOTAL: wholeNumber(0, Number.MAX_SAFE_INTEGER)
    .default(64 * 1024 ** 3)
    .meta({ description: 'Bytes of all imports that wait in MongoDB to be read; 0: no limit.' }),
  QUERY_API_PUBLIC_URL: queryApiPublicUrl,
  COMPACTION_DELAY_SECONDS: wholeNumber(1, Number.MAX_SAFE_INTEGER)
    .default(60 * 60)
    .meta({
      description: 'Seconds after the end of an operation until its processing metadata is replaced by digests.',
    }),
  SETTLED_RETENTION_DAYS: wholeNumber(0, MAX_RETENTION_DAYS).default(30).meta({
    description:
      'Days for which saved and discarded dead letters, and the files and rejected rows of imports, are kept.',
  }),
  ...concurrencySettings('IMPORTS', 'Imports being received', { perCaller: 4, inTotal: 16 }),
  ...concurrencySettings('RECONCILIATIONS', 'Reconciliations', { perCaller: 4, inTotal: 16 }),
  ...eventStreamSettings,
});

export type ProducerSettings = z.infer<typeof settingsSchema>;
