import { z } from 'zod';
import { authSettings } from '#service/auth/auth-settings.js';
import { httpSettings, kafkaSettings, loadSettings, mongoSettings } from '#service/settings.js';

const { KAFKA_BROKERS } = kafkaSettings;

const SettingsSchema = z.object({
  ...httpSettings(3002),
  ...authSettings,
  ...mongoSettings,
  KAFKA_BROKERS,
  /** The services to which the console forwards its page's requests. */
  PRODUCER_URL: z.url().default('http://127.0.0.1:3001'),
  QUERY_API_URL: z.url().default('http://127.0.0.1:3000'),
  /** OAuth client id with which people sign in at the issuer: a public client whose redirect URI is `/`. */
  CONSOLE_CLIENT_ID: z.string().default('orders-console'),
  /** What starts and drains consumers on request: the parent process (`supervisor`), or nothing that the console knows. */
  SCALED_BY: z.enum(['supervisor', 'nobody']).default('nobody'),
});

export const settings = loadSettings(SettingsSchema, process.env);
