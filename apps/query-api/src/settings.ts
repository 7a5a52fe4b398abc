import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { authSettings } from '#service/auth/auth-settings.js';
import { httpSettings, loadSettings, mongoSettings } from '#service/settings.js';

const MIN_SECRET_LENGTH = 32;

const SettingsSchema = z.object({
  ...httpSettings(3000),
  ...authSettings,
  ...mongoSettings,
  PAGE_TOKEN_SECRET: z
    .string()
    .min(MIN_SECRET_LENGTH, 'must be at least 32 characters, the same for all instances')
    // The default changes at each start, so older tokens become invalid. Several instances behind a load balancer need a shared secret.
    .default(() => randomBytes(32).toString('hex')),
  PAGE_TOKEN_SECRETS_BEFORE: z
    .string()
    .default('')
    .transform((text) => text.split(',').filter((secret) => secret !== ''))
    .refine(
      (secrets) => secrets.every(({ length }) => length >= MIN_SECRET_LENGTH),
      'must be a comma-separated list of secrets of at least 32 characters each',
    ),
});

export const settings = loadSettings(SettingsSchema, process.env);
