import { z } from 'zod';
import { authSettings } from '#service/auth/auth-settings.js';
import { httpAddress, loadSettings } from '#service/settings/settings.js';
import { httpSettings } from '#service/settings/service-settings.js';

/** A client for people and programs during development. Its secret is public. */
export const DEMO_CLIENT = { id: 'orders-demo', secret: 'orders-demo-secret' } as const;

export const settingsSchema = z.object({
  LISTEN_HOST: httpSettings(3003).LISTEN_HOST,
  PORT: httpSettings(3003).PORT,
  ISSUER_URL: httpAddress().optional().meta({
    description: 'The issuer name in tokens: the address at which browsers reach the development issuer.',
    shownDefault: 'http://localhost:PORT',
    perProcess: true,
  }),
  AUTH_AUDIENCE: authSettings.AUTH_AUDIENCE,
  ISSUER_KEYS_FILE: z.string().optional().meta({
    description: 'File of the signing key. Unset: each start creates a new key, and tokens become invalid.',
    allowed: 'the path of a file',
    perProcess: true,
  }),
  ISSUER_DOCS_ORIGINS: z
    .string()
    .default('http://localhost:3000,http://localhost:3001,http://localhost:3002')
    .transform((text) => text.split(',').map((origin) => origin.trim()))
    .refine((origins) => origins.every((origin) => URL.canParse(origin)))
    .meta({
      description: 'Origins whose Swagger UI may request tokens and be redirected to.',
      allowed: 'origins, separated by commas',
      perProcess: true,
    }),
});

type IssuerSettings = z.infer<typeof settingsSchema>;

export function readSettings(environment: NodeJS.ProcessEnv): IssuerSettings {
  return loadSettings(settingsSchema, environment);
}
