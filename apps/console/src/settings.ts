import { z } from 'zod';
import { authSettings } from '#service/auth/auth-settings.js';
import { httpSettings, kafkaSettings, loadSettings, mongoSettings } from '#service/settings.js';

const { KAFKA_BROKERS } = kafkaSettings;

const SettingsSchema = z.object({
  ...httpSettings(3002),
  ...authSettings,
  ...mongoSettings,
  KAFKA_BROKERS,
  /** Who starts and drains consumers when it is asked to: the process that started this one, or nobody that the console knows. */
  SCALED_BY: z.enum(['supervisor', 'nobody']).default('nobody'),
});

export const settings = loadSettings(SettingsSchema, process.env);
