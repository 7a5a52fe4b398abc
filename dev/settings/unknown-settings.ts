import { parseEnv } from 'node:util';
import { catalogSettings } from './settings-catalog.js';

/**
 * Returns the names in a `.env` file that are no settings: they are probably misspelled. Unknown names in the environment can't be
 * reported: it belongs to all programs.
 */
export function unknownSettings(envFile: string): string[] {
  const known = new Set(catalogSettings().flatMap(({ settings }) => settings.map(({ name }) => name)));
  return Object.keys(parseEnv(envFile)).filter((name) => !known.has(name));
}
