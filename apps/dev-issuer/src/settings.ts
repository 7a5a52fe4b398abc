import { z } from 'zod';
import { loadSettings, wholeNumber } from '#service/settings.js';

const SettingsSchema = z.object({
  LISTEN_HOST: z.string().default('127.0.0.1'),
  PORT: wholeNumber(0, 65_535).default(3003),
  /** As the issuer names itself in its tokens: the address under which browsers reach it. */
  ISSUER_URL: z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// address' }).optional(),
  AUTH_AUDIENCE: z.string().default('orders'),
  /** Where its signing key is kept, so that tokens outlive it; unset: made anew at each start. */
  ISSUER_KEYS_FILE: z.string().optional(),
  /** Origins whose Swagger UI may ask for tokens and is sent back to, with commas between. */
  ISSUER_DOCS_ORIGINS: z
    .string()
    .default('http://localhost:3000,http://localhost:3001,http://localhost:3002')
    .transform((text) => text.split(',').map((origin) => origin.trim()))
    .refine((origins) => origins.every((origin) => URL.canParse(origin)), 'must be origins, with commas between'),
});

export type IssuerSettings = z.infer<typeof SettingsSchema>;

export function readSettings(environment: NodeJS.ProcessEnv): IssuerSettings {
  return loadSettings(SettingsSchema, environment);
}
