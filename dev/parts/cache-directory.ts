import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { readGivenSettings } from '#service/settings/settings.js';

/** Returns the cache of fetched parts, shared by all clones of a user: ORDERS_CACHE_DIR, else in the XDG cache folder. */
export function cacheDirectory(env: NodeJS.ProcessEnv, home = homedir()): string {
  const chosen = readGivenSettings(['ORDERS_CACHE_DIR'], env).values['ORDERS_CACHE_DIR'];
  if (chosen) return resolve(chosen);
  return join(env['XDG_CACHE_HOME'] || join(home, '.cache'), 'orders-pipeline');
}
