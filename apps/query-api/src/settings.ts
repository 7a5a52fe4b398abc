import { loadSettings } from '#service/settings/settings.js';
import { pageTokenSecret, settingsSchema } from './settings-schema.js';

const given = loadSettings(settingsSchema, process.env);

export const settings = { ...given, PAGE_TOKEN_SECRET: pageTokenSecret(given, process.env) };
