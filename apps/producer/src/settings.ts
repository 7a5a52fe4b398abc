import { z } from 'zod';
import { httpSettings, kafkaSettings, loadSettings, mongoSettings } from '#service/settings.js';

const SettingsSchema = z.object({ ...httpSettings(3001), ...mongoSettings, ...kafkaSettings });

export const settings = loadSettings(SettingsSchema, process.env);
