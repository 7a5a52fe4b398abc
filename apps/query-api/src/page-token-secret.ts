import { randomBytes } from 'node:crypto';
import { documentedAt } from '#service/settings/setting-docs.js';
import { SettingsError } from '#service/settings/settings.js';

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
