import { z } from 'zod';
import { kafkaConnectionSettings, topicSafetySettings } from '#service/settings/kafka-settings.js';
import { portSettings } from '#service/settings/port-settings.js';
import { isGiven } from '#service/settings/setting-files.js';
import { loadSettings } from '#service/settings/settings.js';

const { KAFKA_PORT } = portSettings;

export const settingsSchema = z.object({ KAFKA_PORT, ...kafkaConnectionSettings, ...topicSafetySettings });

/** How to reach Kafka, and what its topics must be. */
export type AdminSettings = Omit<z.infer<typeof settingsSchema>, 'KAFKA_PORT'>;

/** Reads the settings. The defaults are those of the Kafka that `npm start` runs, which has one broker. @throws SettingsError */
export function readSettings(env: NodeJS.ProcessEnv): AdminSettings {
  const { KAFKA_PORT: port, ...settings } = loadSettings(settingsSchema, env);
  if (isGiven('KAFKA_BROKERS', env)) return settings;
  return {
    ...settings,
    KAFKA_BROKERS: [`127.0.0.1:${port}`],
    ...(!isGiven('TOPIC_REPLICATION_FACTOR', env) && { TOPIC_REPLICATION_FACTOR: 1 }),
    ...(!isGiven('TOPIC_MIN_INSYNC_REPLICAS', env) && { TOPIC_MIN_INSYNC_REPLICAS: 1 }),
  };
}
