import { createSecureContext } from 'node:tls';
import type { KafkaOptions } from '@orders-pipeline/parallel-consumer/kafkajs';
import type { SASLOptions } from 'kafkajs';
import type { z } from 'zod';
import type { kafkaConnectionSettings } from '../settings/kafka-settings.js';
import { documentedAt } from '../settings/setting-docs.js';
import { SettingsError } from '../settings/settings.js';

type KafkaConnectionSettings = z.infer<z.ZodObject<typeof kafkaConnectionSettings>>;

/**
 * Returns the brokers, and how to connect to them: plain or with TLS, with or without a user.
 * @throws SettingsError if the private key does not belong to the certificate
 */
export function kafkaAccess(settings: KafkaConnectionSettings): Pick<KafkaOptions, 'brokers' | 'ssl' | 'sasl'> {
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = settings;
  return {
    brokers: settings.KAFKA_BROKERS,
    ...(settings.KAFKA_SSL === 'true' && { ssl: tlsOptions(settings) }),
    // kafkajs's type has one member for each mechanism, and all three have these fields.
    ...(mechanism !== undefined && { sasl: { mechanism, username, password } as SASLOptions }),
  };
}

function tlsOptions(settings: KafkaConnectionSettings): { ca?: string; cert?: string; key?: string } {
  const { KAFKA_SSL_CA_FILE: ca, KAFKA_SSL_CERT_FILE: cert, KAFKA_SSL_KEY_FILE: key } = settings;
  const options = { ...(ca !== undefined && { ca }), ...(cert !== undefined && key !== undefined && { cert, key }) };
  try {
    createSecureContext(options);
  } catch (cause) {
    throw new SettingsError(
      `KAFKA_SSL_KEY_FILE does not belong to the first certificate in KAFKA_SSL_CERT_FILE: set the files of one pair (${documentedAt('KAFKA_SSL_KEY_FILE')})`,
      { cause },
    );
  }
  return options;
}
