import { z } from 'zod';
import { authSettings } from '#service/auth/auth-settings.js';
import { httpSettings, kafkaSettings, loadSettings, mongoSettings, wholeNumber } from '#service/settings.js';

const SettingsSchema = z.object({
  ...httpSettings(3001),
  ...authSettings,
  ...mongoSettings,
  ...kafkaSettings,
  /** Records that the consumers may be behind; from there on nothing is emitted until they have caught up. */
  LAG_CEILING: wholeNumber(1, Number.MAX_SAFE_INTEGER).default(5_000_000),
  /** The folder that imports may name folders below; unset: none are imported from. */
  IMPORT_DIR: z.string().optional(),
  /** Bytes of all files of an import together, as they are unpacked. */
  IMPORT_MAX_BYTES: wholeNumber(1, Number.MAX_SAFE_INTEGER).default(8 * 1024 ** 3),
});

export const settings = loadSettings(SettingsSchema, process.env);
