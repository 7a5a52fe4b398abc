import { z } from 'zod';
import { authSettings } from '#service/auth/auth-settings.js';
import { httpSettings, kafkaSettings, loadSettings, mongoSettings } from '#service/settings.js';

const { KAFKA_BROKERS } = kafkaSettings;

const SettingsSchema = z.object({
  ...httpSettings(3002),
  ...authSettings,
  ...mongoSettings,
  KAFKA_BROKERS,
  /** Where it passes on what its page asks of the others. */
  PRODUCER_URL: z.url().default('http://127.0.0.1:3001'),
  QUERY_API_URL: z.url().default('http://127.0.0.1:3000'),
  /** The client under whose name people sign in with the issuer: a public one, which comes back to `/`. */
  CONSOLE_CLIENT_ID: z.string().default('orders-console'),
  /** Who starts and drains consumers when it is asked to: the process that started this one, or nobody that the console knows. */
  SCALED_BY: z.enum(['supervisor', 'nobody']).default('nobody'),
});

export const settings = loadSettings(SettingsSchema, process.env);
