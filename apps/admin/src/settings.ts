import { z } from 'zod';
import { kafkaConnectionSettings, registrySettings, topicSafetySettings } from '#service/settings/kafka-settings.js';
import { portSettings, mongoSettings } from '#service/settings/service-settings.js';
import { isGiven, loadSettings } from '#service/settings/settings.js';

const { KAFKA_PORT, REGISTRY_PORT, MONGODB_PORT } = portSettings;

export const settingsSchema = z.object({
  KAFKA_PORT,
  REGISTRY_PORT,
  MONGODB_PORT,
  ...kafkaConnectionSettings,
  ...registrySettings,
  ...topicSafetySettings,
  ...mongoSettings,
});

/** How to reach Kafka, the registry and MongoDB, and what the topics must be. */
export type AdminSettings = Omit<z.infer<typeof settingsSchema>, 'KAFKA_PORT' | 'REGISTRY_PORT' | 'MONGODB_PORT'>;

/** Reads the settings. The defaults are those of the servers that `npm start` runs, whose Kafka has one broker. @throws SettingsError */
export function readSettings(env: NodeJS.ProcessEnv): AdminSettings {
  const {
    KAFKA_PORT: port,
    REGISTRY_PORT: registryPort,
    MONGODB_PORT: mongodbPort,
    ...given
  } = loadSettings(settingsSchema, env);
  const settings = {
    ...given,
    ...(!isGiven('MONGODB_URI', env) && { MONGODB_URI: `mongodb://127.0.0.1:${mongodbPort}/orders` }),
    ...(!isGiven('SCHEMA_REGISTRY_URL', env) && {
      SCHEMA_REGISTRY_URL: `http://127.0.0.1:${registryPort}/apis/ccompat/v7`,
    }),
  };
  if (isGiven('KAFKA_BROKERS', env)) return settings;
  return {
    ...settings,
    KAFKA_BROKERS: [`127.0.0.1:${port}`],
    ...(!isGiven('TOPIC_REPLICATION_FACTOR', env) && { TOPIC_REPLICATION_FACTOR: 1 }),
    ...(!isGiven('TOPIC_MIN_INSYNC_REPLICAS', env) && { TOPIC_MIN_INSYNC_REPLICAS: 1 }),
  };
}
