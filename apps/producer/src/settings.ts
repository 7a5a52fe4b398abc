import { loadSettings } from '#service/settings/settings.js';
import { settingsSchema } from './settings-schema.js';

export const settings = loadSettings(settingsSchema, process.env);
