import { z } from 'zod';
import { kafkaSettings, loadSettings, mongoSettings, wholeNumber } from '#service/settings.js';

const PortsSchema = z.object({
  MONGODB_PORT: wholeNumber(1, 65_535).default(27_017),
  KAFKA_PORT: wholeNumber(1, 65_535).default(9092),
});
const ServersSchema = z.object({ ...mongoSettings, KAFKA_BROKERS: kafkaSettings.KAFKA_BROKERS });

/**
 * Reads the addresses of MongoDB and Kafka. The defaults are the servers that `npm start` runs.
 * @throws SettingsError
 */
export function readSettings(env: NodeJS.ProcessEnv): z.infer<typeof ServersSchema> {
  const { MONGODB_PORT, KAFKA_PORT } = loadSettings(PortsSchema, env);
  return loadSettings(ServersSchema, {
    MONGODB_URI: env['MONGODB_URI'] || `mongodb://127.0.0.1:${MONGODB_PORT}/orders`,
    KAFKA_BROKERS: env['KAFKA_BROKERS'] || `127.0.0.1:${KAFKA_PORT}`,
  });
}
