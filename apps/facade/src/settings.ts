import type { z } from 'zod';
import { isLoopback } from '#service/http/known-hosts.js';
import { documentedAt, loadSettings, SettingsError } from '#service/settings/settings.js';
import { settingsSchema } from './settings-schema.js';
import type { TokenClient } from './sides/target-api.js';

export type FacadeSettings = z.infer<typeof settingsSchema>;

/**
 * Reads the settings, and rejects a facade that would be open to other machines.
 * @throws SettingsError with the setting to change
 */
export function readSettings(environment: NodeJS.ProcessEnv): FacadeSettings {
  const settings = loadSettings(settingsSchema, environment);
  const { LISTEN_HOST, LEGACY_CLIENTS_FILE, AUTH_ISSUER, FACADE_CLIENT_SECRET } = settings;
  if (!isLoopback(LISTEN_HOST) && LEGACY_CLIENTS_FILE === undefined)
    throw new SettingsError(
      `LEGACY_CLIENTS_FILE: must be set, since LISTEN_HOST ${LISTEN_HOST} is reachable from other machines: without API keys, every client could read and write orders. Set it to the file of their keys, or listen on 127.0.0.1 (${documentedAt('LEGACY_CLIENTS_FILE')}).`,
    );
  if (AUTH_ISSUER !== undefined && FACADE_CLIENT_SECRET === undefined)
    throw new SettingsError(
      `FACADE_CLIENT_SECRET: must be set together with AUTH_ISSUER, since the producer and the query API then require tokens (${documentedAt('FACADE_CLIENT_SECRET')}).`,
    );
  return settings;
}

export const settings = readSettings(process.env);

/** The facade writes orders and reads them. */
const SCOPE = 'orders:read orders:write';

/** Returns the facade's client at the token issuer; `undefined` without an issuer. */
export function tokenClient({
  AUTH_ISSUER: issuer,
  AUTH_DISCOVERY_URL: discoveryUrl,
  AUTH_ALLOW_HTTP_ISSUER: allowsHttp,
  FACADE_CLIENT_ID: id,
  FACADE_CLIENT_SECRET: secret,
}: FacadeSettings): TokenClient | undefined {
  if (issuer === undefined || secret === undefined) return undefined;
  return { issuer, discoveryUrl: discoveryUrl ?? issuer, allowsHttp, id, secret, scope: SCOPE };
}
