import { z } from 'zod';
import { httpSettings } from '#service/settings/service-settings.js';
import { wholeNumber, documentedAt, loadSettings, SettingsError } from '#service/settings/settings.js';

const MIN_TOKEN_LENGTH = 32;

export const settingsSchema = z.object({
  ...httpSettings(3006),
  SCALER_TOKEN: z
    .string()
    .min(MIN_TOKEN_LENGTH)
    .regex(/^[\w.~+/-]+=*$/)
    .meta({
      description: 'Bearer token that the console sends to read and to set the number of consumers. Required.',
      allowed: `a token of at least ${MIN_TOKEN_LENGTH} characters, without spaces or quotes`,
      secret: true,
    }),
  SCALER_SERVICE: z
    .string()
    .regex(/^[\w.-]+$/)
    .default('orders_consumer')
    .meta({
      description: 'The Swarm service whose replicas it sets, and the only one that it changes.',
      allowed: 'the name of a service, as `docker service ls` prints it',
    }),
  SCALER_MIN: wholeNumber(0, 1_000)
    .default(1)
    .meta({ description: 'Fewest consumers; a request for fewer is refused.' }),
  SCALER_MAX: wholeNumber(1, 1_000)
    .default(12)
    .meta({ description: 'Most consumers; a request for more is refused. Not more than partitions.' }),
  DOCKER_SOCKET: z.string().default('/var/run/docker.sock').meta({
    description: 'Socket of the Docker engine of a manager. Who reaches it is root on that machine.',
    allowed: 'the path of a socket',
  }),
});

export type ScalerSettings = z.infer<typeof settingsSchema>;

/** Reads the settings. @throws SettingsError, also if the bounds contradict each other */
export function readSettings(environment: NodeJS.ProcessEnv): ScalerSettings {
  const settings = loadSettings(settingsSchema, environment);
  const { SCALER_MIN: min, SCALER_MAX: max } = settings;
  if (min <= max) return settings;
  throw new SettingsError(
    `SCALER_MIN must be at most SCALER_MAX, got ${min} and ${max} (${documentedAt('SCALER_MIN')})`,
  );
}
