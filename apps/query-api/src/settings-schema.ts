import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { authSettings } from '#service/auth/auth-settings.js';
import { profileSettings } from '#service/profiles/profile-folder.js';
import { concurrencySettings, httpSettings, mongoSettings } from '#service/settings/service-settings.js';
import { documentedAt, httpAddress, SettingsError } from '#service/settings/settings.js';

const MIN_SECRET_LENGTH = 32;

/** What stands for the id of a trace in `TRACE_URL_TEMPLATE`. */
export const TRACE_ID_PLACEHOLDER = '{traceId}';

export const settingsSchema = z.object({
  ...httpSettings(3000),
  ...authSettings,
  ...profileSettings,
  ...mongoSettings,
  ...concurrencySettings('EXPORTS', 'Exports', { perCaller: 8, inTotal: 32 }),
  ...concurrencySettings('WAITS', 'Reads with `waitMs` that wait,', { perCaller: 500, inTotal: 1_000 }),
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
  TRACE_URL_TEMPLATE: httpAddress()
    .refine((template) => template.includes(TRACE_ID_PLACEHOLDER))
    .optional()
    .meta({
      description: `Where a tracing UI shows a trace; the console links traced orders to it. \`${TRACE_ID_PLACEHOLDER}\` stands for the id of the trace.`,
      allowed: `an http:// or https:// address with \`${TRACE_ID_PLACEHOLDER}\`, such as http://localhost:16686/trace/${TRACE_ID_PLACEHOLDER}`,
    }),
});

/**
 * Returns the key that signs page tokens. Without the setting it is random: tokens then become invalid at each restart, and are unknown to
 * other instances, which is all right for development only.
 * @throws SettingsError in production, without the setting
 */
export function pageTokenSecret(
  { AUTH_ISSUER, PAGE_TOKEN_SECRET }: { AUTH_ISSUER?: string | undefined; PAGE_TOKEN_SECRET?: string | undefined },
  { NODE_ENV }: NodeJS.ProcessEnv,
): string {
  if (PAGE_TOKEN_SECRET !== undefined) return PAGE_TOKEN_SECRET;
  // Without an issuer, a service does not start in production anyway.
  if (NODE_ENV !== 'production' || AUTH_ISSUER === undefined) return randomBytes(32).toString('hex');
  throw new SettingsError(
    `PAGE_TOKEN_SECRET: must be set, since NODE_ENV is production: a page token would be invalid after a restart, and at other query APIs. Set the same secret at all of them, such as the output of \`openssl rand -hex 32\` (${documentedAt('PAGE_TOKEN_SECRET')}).`,
  );
}
