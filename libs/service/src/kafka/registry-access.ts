import type { RegistryAccess } from '#orders/order/registry-connection.js';
import type { z } from 'zod';
import type { registrySettings } from '../settings/kafka-settings.js';
import { documentedAt } from '../settings/setting-docs.js';
import { SettingsError } from '../settings/settings.js';

type RegistrySettings = z.infer<z.ZodObject<typeof registrySettings>>;

/**
 * Returns how to reach the registry. Credentials in the address become a header.
 * @throws SettingsError if there are two credentials, or authorities for an address without TLS
 */
export function registryAccess(settings: RegistrySettings): RegistryAccess {
  const { SCHEMA_REGISTRY_USERNAME: username, SCHEMA_REGISTRY_PASSWORD: password = '' } = settings;
  const { SCHEMA_REGISTRY_TOKEN: token, SCHEMA_REGISTRY_CA_FILE: ca } = settings;
  const address = new URL(settings.SCHEMA_REGISTRY_URL);
  const inAddress = [address.username, address.password].map(decodeURIComponent);
  const hasUser = address.username !== '';
  address.username = address.password = '';
  if (hasUser && (username ?? token) !== undefined)
    throw contradiction(
      username === undefined ? 'SCHEMA_REGISTRY_TOKEN' : 'SCHEMA_REGISTRY_USERNAME',
      'is set, and SCHEMA_REGISTRY_URL contains a user too: remove one of them',
    );
  if (ca !== undefined && address.protocol !== 'https:')
    throw contradiction('SCHEMA_REGISTRY_CA_FILE', 'needs an https:// address in SCHEMA_REGISTRY_URL: set one');
  const [name, secret] = hasUser ? inAddress : [username, password];
  const basic = name === undefined ? undefined : `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}`;
  const authorization = token === undefined ? basic : `Bearer ${token}`;
  return {
    url: address.href.replace(/\/+$/, ''),
    ...(authorization !== undefined && { authorization }),
    ...(ca !== undefined && { ca }),
  };
}

function contradiction(name: string, what: string): SettingsError {
  return new SettingsError(`${name} ${what} (${documentedAt(name)})`);
}
