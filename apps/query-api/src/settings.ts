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
    // Without one, tokens die with the process: right for one instance on a desk, wrong for two behind a balancer.
    .default(() => randomBytes(32).toString('hex')),
  PAGE_TOKEN_SECRETS_BEFORE: z
    .string()
    .default('')
    .transform((text) => text.split(',').filter((secret) => secret !== ''))
    .refine(
      (secrets) => secrets.every(({ length }) => length >= MIN_SECRET_LENGTH),
      'must be at least 32 characters each, with commas between',
    ),
});

export const settings = loadSettings(SettingsSchema, process.env);
