import { parseEnv } from 'node:util';
import { RENAMED_SETTINGS } from '#service/settings/settings.js';
import { catalogSettings } from './settings-catalog.js';

/**
 * Returns a line for each name in a `.env` file that is no setting: it is probably misspelled, or was renamed. Unknown names in the
 * environment can't be reported: it belongs to all programs.
 */
export function reportUnknownSettings(envFile: string): string[] {
  const known = new Set(catalogSettings().flatMap(({ settings }) => settings.map(({ name }) => name)));
  const unknown = Object.keys(parseEnv(envFile)).filter(
    (name) => !known.has(name) && !known.has(name.replace(/_FILE$/, '')),
  );
  return unknown.map((name) => {
    const now = RENAMED_SETTINGS[name];
    if (now !== undefined) return `.env: ${name} was renamed: set ${now} instead`;
    return `.env: ${name} is not a setting of the pipeline; docs/configuration.md has their names`;
  });
}
