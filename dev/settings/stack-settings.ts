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
