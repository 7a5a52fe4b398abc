import type { z } from 'zod';
import { documentedAt } from '#service/settings/setting-docs.js';
import { loadSettings, SettingsError } from '#service/settings/settings.js';
import { settingsSchema } from './settings-schema.js';

export type ScalerSettings = z.infer<typeof settingsSchema>;

/** Reads the settings. @throws SettingsError, also if the bounds contradict each other */
export function readSettings(environment: NodeJS.ProcessEnv): ScalerSettings {
  const settings = loadSettings(settingsSchema, environment);
  const { SCALER_MIN: min, SCALER_MAX: max } = settings;
  if (min <= max) return settings;
  throw new SettingsError(
    `SCALER_MIN must be at most SCALER_MAX, got ${min} and ${max} (${documentedAt('SCALER_MIN')})`,
  );
}
