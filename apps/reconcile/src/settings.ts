import { z } from 'zod';
import { portSettings, mongoSettings } from '#service/settings/service-settings.js';
import { kafkaConnectionSettings } from '#service/settings/kafka-settings.js';
import { isGiven, loadSettings } from '#service/settings/settings.js';

const { KAFKA_PORT, MONGODB_PORT } = portSettings;

export const settingsSchema = z.object({
  KAFKA_PORT,
  MONGODB_PORT,
  ...mongoSettings,
  ...kafkaConnectionSettings,
});

/**
 * Reads how to reach MongoDB and Kafka. The defaults are the servers that `npm start` runs.
 * @throws SettingsError
 */
export function readSettings(
  env: NodeJS.ProcessEnv,
): Omit<z.infer<typeof settingsSchema>, 'KAFKA_PORT' | 'MONGODB_PORT'> {
  const { KAFKA_PORT: kafkaPort, MONGODB_PORT: mongodbPort, ...settings } = loadSettings(settingsSchema, env);
  return {
    ...settings,
    ...(!isGiven('MONGODB_URI', env) && { MONGODB_URI: `mongodb://127.0.0.1:${mongodbPort}/orders` }),
    ...(!isGiven('KAFKA_BROKERS', env) && { KAFKA_BROKERS: [`127.0.0.1:${kafkaPort}`] }),
  };
}
