import type { KafkaOptions } from '@orders-pipeline/parallel-consumer/kafkajs';
import type { PlatformaticOptions } from '@orders-pipeline/parallel-consumer/platformatic';
import type { z } from 'zod';
import type { kafkaConnectionSettings } from '../settings/kafka-settings.js';
import { kafkaAccess } from './kafka-access.js';

const MECHANISMS = {
  plain: 'PLAIN',
  'scram-sha-256': 'SCRAM-SHA-256',
  'scram-sha-512': 'SCRAM-SHA-512',
  oauthbearer: 'OAUTHBEARER',
} as const;

/** Returns the brokers, and how to connect to them, in the format of `@platformatic/kafka`. @throws SettingsError as `kafkaAccess` */
export function platformaticAccess(
  settings: z.infer<z.ZodObject<typeof kafkaConnectionSettings>>,
): Pick<PlatformaticOptions, 'brokers' | 'tls' | 'sasl'> {
  const { brokers, ssl, sasl } = kafkaAccess(settings);
  return {
    brokers,
    ...(typeof ssl === 'object' && { tls: ssl }),
    ...(sasl !== undefined && { sasl: toPlatformatic(sasl) }),
  };
}

function toPlatformatic(sasl: NonNullable<KafkaOptions['sasl']>): NonNullable<PlatformaticOptions['sasl']> {
  const mechanism = MECHANISMS[sasl.mechanism as keyof typeof MECHANISMS];
  if ('oauthBearerProvider' in sasl) {
    const { oauthBearerProvider } = sasl;
    return { mechanism, token: async () => (await oauthBearerProvider()).value };
  }
  const { username, password } = sasl as { readonly username: string; readonly password: string };
  return { mechanism, username, password };
}
