import { z } from 'zod';
import { loadSettings, wholeNumber } from '#service/settings.js';

const SettingsSchema = z.object({
  LISTEN_HOST: z.string().default('127.0.0.1'),
  PORT: wholeNumber(0, 65_535).default(3003),
  /** The issuer name in tokens: the address at which browsers reach the issuer. */
  ISSUER_URL: z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// address' }).optional(),
  AUTH_AUDIENCE: z.string().default('orders'),
  /** File for the signing key, so that tokens stay valid after a restart. If unset, each start creates a new key. */
  ISSUER_KEYS_FILE: z.string().optional(),
  /** Comma-separated origins whose Swagger UI may request tokens and be redirected to. */
  ISSUER_DOCS_ORIGINS: z
    .string()
    .default('http://localhost:3000,http://localhost:3001,http://localhost:3002')
    .transform((text) => text.split(',').map((origin) => origin.trim()))
    .refine((origins) => origins.every((origin) => URL.canParse(origin)), 'must be origins, separated by commas'),
});

export type IssuerSettings = z.infer<typeof SettingsSchema>;

export function readSettings(environment: NodeJS.ProcessEnv): IssuerSettings {
  return loadSettings(SettingsSchema, environment);
}
