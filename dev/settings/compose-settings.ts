import { z } from 'zod';
import { portSettings } from '#service/settings/service-settings.js';

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
