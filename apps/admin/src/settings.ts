import { z } from 'zod';
import { kafkaConnectionSettings, registrySettings, topicSafetySettings } from '#service/settings/kafka-settings.js';
import { portSettings, mongoSettings } from '#service/settings/service-settings.js';
import { isGiven, loadSettings } from '#service/settings/settings.js';

const { KAFKA_PORT, REGISTRY_PORT, MONGODB_PORT } = portSettings;

/** What `reconcile` reads: it only has the rights to read. */
export const reconcileSettingsSchema = z.object({
  KAFKA_PORT,
  MONGODB_PORT,
  ...mongoSettings,
  ...kafkaConnectionSettings,
});

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
    KAFKA_PORT: kafka,
    REGISTRY_PORT: registry,
    MONGODB_PORT: mongodb,
    ...given
  } = loadSettings(settingsSchema, env);
  const settings = {
    ...given,
    ...localServers(env, kafka, mongodb),
    ...(!isGiven('SCHEMA_REGISTRY_URL', env) && {
      SCHEMA_REGISTRY_URL: `http://127.0.0.1:${registry}/apis/ccompat/v7`,
    }),
  };
  if (isGiven('KAFKA_BROKERS', env)) return settings;
  return {
    ...settings,
    ...(!isGiven('TOPIC_REPLICATION_FACTOR', env) && { TOPIC_REPLICATION_FACTOR: 1 }),
    ...(!isGiven('TOPIC_MIN_INSYNC_REPLICAS', env) && { TOPIC_MIN_INSYNC_REPLICAS: 1 }),
  };
}

/** Reads how `reconcile` reaches MongoDB and Kafka. The defaults are the servers that `npm start` runs. @throws SettingsError */
export function readReconcileSettings(
  env: NodeJS.ProcessEnv,
): Omit<z.infer<typeof reconcileSettingsSchema>, 'KAFKA_PORT' | 'MONGODB_PORT'> {
  const { KAFKA_PORT: kafka, MONGODB_PORT: mongodb, ...settings } = loadSettings(reconcileSettingsSchema, env);
  return { ...settings, ...localServers(env, kafka, mongodb) };
}

/** Returns the addresses of the servers that `npm start` runs, except of those that are set. */
function localServers(env: NodeJS.ProcessEnv, kafkaPort: number, mongodbPort: number) {
  return {
    ...(!isGiven('MONGODB_URI', env) && { MONGODB_URI: `mongodb://127.0.0.1:${mongodbPort}/orders` }),
    ...(!isGiven('KAFKA_BROKERS', env) && { KAFKA_BROKERS: [`127.0.0.1:${kafkaPort}`] }),
  };
}
