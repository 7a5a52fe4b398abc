import { z } from 'zod';
import { portSettings } from '#service/settings/port-settings.js';
import { kafkaSettings, loadSettings, mongoSettings } from '#service/settings/settings.js';

const { KAFKA_PORT, MONGODB_PORT } = portSettings;

export const settingsSchema = z.object({
  KAFKA_PORT,
  MONGODB_PORT,
  ...mongoSettings,
  KAFKA_BROKERS: kafkaSettings.KAFKA_BROKERS,
});

/**
 * Reads the addresses of MongoDB and Kafka. The defaults are the servers that `npm start` runs.
 * @throws SettingsError
 */
export function readSettings(
  env: NodeJS.ProcessEnv,
): Pick<z.infer<typeof settingsSchema>, 'MONGODB_URI' | 'KAFKA_BROKERS'> {
  const settings = loadSettings(settingsSchema, env);
  return {
    MONGODB_URI: env['MONGODB_URI'] ? settings.MONGODB_URI : `mongodb://127.0.0.1:${settings.MONGODB_PORT}/orders`,
    KAFKA_BROKERS: env['KAFKA_BROKERS'] ? settings.KAFKA_BROKERS : [`127.0.0.1:${settings.KAFKA_PORT}`],
  };
}
