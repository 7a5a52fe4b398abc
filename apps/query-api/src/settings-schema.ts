import { z } from 'zod';
import { authSettings } from '#service/auth/auth-settings.js';
import { placeSettings } from '#service/settings/place-settings.js';
import { httpSettings, mongoSettings } from '#service/settings/settings.js';

const MIN_SECRET_LENGTH = 32;

export const settingsSchema = z.object({
  ...httpSettings(3000),
  ...authSettings,
  ...mongoSettings,
  ...placeSettings('EXPORTS', 'Exports', { perCaller: 8, inTotal: 32 }),
  ...placeSettings('WAITS', 'Reads with `waitMs` that wait,', { perCaller: 500, inTotal: 1_000 }),
  PAGE_TOKEN_SECRET: z
    .string()
    .min(MIN_SECRET_LENGTH)
    .optional()
    .meta({
      description: 'Key that signs page tokens; must be the same for all query APIs. Required in production.',
      allowed: `a text of at least ${MIN_SECRET_LENGTH} characters`,
      shownDefault: 'random at each start; `npm start` keeps one in `.data/`',
      secret: true,
    }),
  PAGE_TOKEN_SECRETS_BEFORE: z
    .string()
    .default('')
    .transform((text) => text.split(',').filter((secret) => secret !== ''))
    .refine((secrets) => secrets.every(({ length }) => length >= MIN_SECRET_LENGTH))
    .meta({
      description: 'Earlier values of `PAGE_TOKEN_SECRET`, whose page tokens are still accepted.',
      allowed: `a comma-separated list of secrets of at least ${MIN_SECRET_LENGTH} characters each`,
      secret: true,
    }),
});
