import { createSecureContext } from 'node:tls';
import type { KafkaOptions } from '@orders-pipeline/parallel-consumer/kafkajs';
import type { SASLOptions } from 'kafkajs';
import type { z } from 'zod';
import type { kafkaConnectionSettings } from '../settings/kafka-settings.js';
import { documentedAt } from '../settings/setting-docs.js';
import { SettingsError } from '../settings/settings.js';
import { kafkaTokens } from './kafka-tokens.js';

type KafkaConnectionSettings = z.infer<z.ZodObject<typeof kafkaConnectionSettings>>;

/**
 * Returns the brokers, and how to connect to them: plain or with TLS, with or without a user.
 * @throws SettingsError if the private key does not belong to the certificate, or if `oauthbearer` has no token endpoint
 */
export function kafkaAccess(settings: KafkaConnectionSettings): Pick<KafkaOptions, 'brokers' | 'ssl' | 'sasl'> {
  const sasl = saslOptions(settings);
  return {
    brokers: settings.KAFKA_BROKERS,
    ...(settings.KAFKA_SSL === 'true' && { ssl: tlsOptions(settings) }),
    ...(sasl !== undefined && { sasl }),
  };
}

function saslOptions(settings: KafkaConnectionSettings): SASLOptions | undefined {
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_USERNAME: username = '' } = settings;
  const {
    KAFKA_SASL_PASSWORD: password = '',
    KAFKA_SASL_TOKEN_URL: tokenUrl,
    KAFKA_SASL_TOKEN_SCOPE: scope,
  } = settings;
  if (mechanism === undefined) return undefined;
  if (mechanism !== 'oauthbearer') return { mechanism, username, password };
  if (tokenUrl === undefined)
    throw new SettingsError(
      `KAFKA_SASL_MECHANISM=oauthbearer needs KAFKA_SASL_TOKEN_URL: set it to the issuer's token endpoint (${documentedAt('KAFKA_SASL_TOKEN_URL')})`,
    );
  return { mechanism, oauthBearerProvider: kafkaTokens({ tokenUrl, id: username, secret: password, scope }) };
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
