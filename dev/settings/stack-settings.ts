import { z } from 'zod';
import { portSettings, httpSettings, mongoSettings } from '#service/settings/service-settings.js';
import { authSettings } from '#service/auth/auth-settings.js';
import { kafkaConnectionSettings, kafkaSettings, registrySettings } from '#service/settings/kafka-settings.js';
import { wholeNumber } from '#service/settings/settings.js';

const { LISTEN_HOST } = httpSettings(0);

/** The settings that `npm start` reads itself, such as those of external servers. It passes the whole environment on to the services, which read theirs. */
export const stackSettingsSchema = z.object({
  ...portSettings,
  LISTEN_HOST,
  ...kafkaConnectionSettings,
  ...registrySettings,
  ...mongoSettings,
  AUTH_ISSUER: authSettings.AUTH_ISSUER,
  TOPIC_PARTITIONS: wholeNumber(1, 1000)
    .optional()
    .meta(kafkaSettings.TOPIC_PARTITIONS.meta() ?? {}),
  ORDERS_CACHE_DIR: z.string().optional().meta({
    description: 'Folder of the downloaded Kafka, registry, Java and MongoDB, for all clones.',
    allowed: 'the path of a folder',
    shownDefault: '`orders-pipeline` in `$XDG_CACHE_HOME` or `~/.cache`',
  }),
});

/** Documents the variables that only the Compose files read. Docker Compose applies them, without a check. */
export const composeSettingsSchema = z.object({
  ...portSettings,
  MONGODB_CACHE_GIB: z.string().default('1').meta({
    description: 'Cache of MongoDB in Docker Compose, in GiB; use 4 GiB for 10,000,000 orders.',
    allowed: 'a number of GiB from 0.25 on',
  }),
  NODE_IMAGE: z.string().default('node:24-slim').meta({
    description: 'Image that Docker Compose builds the services on.',
    allowed: 'an image with `node`, `npm` and the user `node`',
  }),
  PROMETHEUS_PORT: z.string().default('9090').meta({
    description: 'Port of Prometheus, with `deploy/docker-compose.monitoring.yml`.',
    allowed: 'a port number',
  }),
  GRAFANA_PORT: z.string().default('3004').meta({
    description: 'Port of Grafana, with `deploy/docker-compose.monitoring.yml`.',
    allowed: 'a port number',
  }),
  GRAFANA_ADMIN_PASSWORD: z.string().default('admin').meta({
    description: 'Password with which dashboards can be changed, with `deploy/docker-compose.monitoring.yml`.',
    allowed: 'a password',
    secret: true,
  }),
});
