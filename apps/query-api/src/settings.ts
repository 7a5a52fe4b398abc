import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { httpSettings, loadSettings, mongoSettings } from '#service/settings.js';

const SettingsSchema = z.object({
  ...httpSettings(3000),
  ...mongoSettings,
  PAGE_TOKEN_SECRET: z
    .string()
    .min(32, 'must be at least 32 characters, the same for all instances')
    // Without one, tokens die with the process: right for one instance on a desk, wrong for two behind a balancer.
    .default(() => randomBytes(32).toString('hex')),
});

export const settings = loadSettings(SettingsSchema, process.env);
