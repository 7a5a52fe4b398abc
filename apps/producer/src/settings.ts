import { z } from 'zod';
import { authSettings } from '#service/auth/auth-settings.js';
import { httpSettings, kafkaSettings, loadSettings, mongoSettings, wholeNumber } from '#service/settings.js';

const SettingsSchema = z.object({
  ...httpSettings(3001),
  ...authSettings,
  ...mongoSettings,
  ...kafkaSettings,
  /** Maximum consumer lag in records. At this lag, emission pauses until the consumers have caught up. */
  LAG_CEILING: wholeNumber(1, Number.MAX_SAFE_INTEGER).default(5_000_000),
  /** The folder that imports can read, including its subfolders. If unset, imports from folders are rejected. */
  IMPORT_DIR: z.string().optional(),
  /** Maximum total size in bytes of all files of an import, uncompressed. */
  IMPORT_MAX_BYTES: wholeNumber(1, Number.MAX_SAFE_INTEGER).default(8 * 1024 ** 3),
});

export const settings = loadSettings(SettingsSchema, process.env);
