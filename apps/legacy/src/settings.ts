import { z } from 'zod';
import { legacySettings, httpSettings } from '#service/settings/service-settings.js';
import { loadSettings } from '#service/settings/settings.js';

const { PORT, LOG_LEVEL } = httpSettings(3010);

export const settingsSchema = z.object({
  LEGACY_HOST: z.string().default('127.0.0.1').meta({
    description:
      'Address that the legacy system listens on. It knows no tokens: every client that reaches it may write.',
    allowed: 'a host name or IP address',
  }),
  PORT,
  LOG_LEVEL,
  LEGACY_DATA_DIR: z.string().default('db_files').meta({
    description: "Folder of the legacy system's files.",
    allowed: 'the path of a folder',
    shownDefault: '`db_files`; with `npm start`, `db_files` in its data directory',
  }),
  ...legacySettings,
});

type LegacyAppSettings = z.infer<typeof settingsSchema>;

export function readSettings(environment: NodeJS.ProcessEnv): LegacyAppSettings {
  return loadSettings(settingsSchema, environment);
}
