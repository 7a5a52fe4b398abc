import { z } from 'zod';
import { httpSettings, kafkaSettings, loadSettings, mongoSettings, wholeNumber } from '#service/settings.js';

const SettingsSchema = z.object({
  ...httpSettings(3001),
  ...mongoSettings,
  ...kafkaSettings,
  /** Records that the consumers may be behind; from there on nothing is emitted until they have caught up. */
  LAG_CEILING: wholeNumber(1, Number.MAX_SAFE_INTEGER).default(5_000_000),
});

export const settings = loadSettings(SettingsSchema, process.env);
