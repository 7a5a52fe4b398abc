import { z } from 'zod';
import { DEFAULT_PARTITIONS } from '#orders/topics/topics.js';
import { isConfidential } from '../http/known-hosts.js';
import { certificateFile, privateKeyFile, httpAddress, wholeNumber } from './settings.js';

/** How to reach Kafka, and with what credentials. */
export const kafkaConnectionSettings = {
  KAFKA_BROKERS: z
    .string()
    .default('127.0.0.1:9092')
    .transform((text) => text.split(',').map((broker) => broker.trim()))
    .refine((brokers) => brokers.every((broker) => /^.+:\d{1,5}$/.test(broker)))
    .meta({
      description: 'Your own Kafka (3.1 or newer) instead of the embedded one.',
      allowed: 'host:port, separated by commas',
    }),
  KAFKA_SSL: z.enum(['true', 'false']).default('false').meta({
    description: 'Whether the connections to Kafka use TLS.',
  }),
  KAFKA_SSL_CA_FILE: certificateFile().meta({
    description: "Certificates of the authorities that sign Kafka's certificates. Unset: those of Node.js.",
    needs: ['KAFKA_SSL=true'],
  }),
  KAFKA_SSL_CERT_FILE: certificateFile().meta({
    description: 'Certificate with which this program identifies itself to Kafka (mutual TLS).',
    needs: ['KAFKA_SSL=true', 'KAFKA_SSL_KEY_FILE'],
  }),
  KAFKA_SSL_KEY_FILE: privateKeyFile().meta({
    description: 'Private key of the certificate in `KAFKA_SSL_CERT_FILE`.',
    needs: ['KAFKA_SSL_CERT_FILE'],
  }),
  KAFKA_SASL_MECHANISM: z
    .enum(['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'])
    .optional()
    .meta({
      description:
        'How this program signs in at Kafka. Unset: it does not. `plain` sends the password, so use TLS. `oauthbearer` needs `KAFKA_SASL_TOKEN_URL`.',
      needs: ['KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD'],
    }),
  KAFKA_SASL_USERNAME: z
    .string()
    .optional()
    .meta({
      description: 'Name of the user at Kafka; for `oauthbearer` the client id.',
      allowed: 'a user name',
      needs: ['KAFKA_SASL_MECHANISM'],
    }),
  KAFKA_SASL_PASSWORD: z
    .string()
    .optional()
    .meta({
      description: 'Password of the user at Kafka; for `oauthbearer` the client secret.',
      allowed: 'a password',
      secret: true,
      needs: ['KAFKA_SASL_USERNAME'],
    }),
  KAFKA_SASL_TOKEN_URL: httpAddress()
    .refine(isConfidential)
    .optional()
    .meta({
      description: 'Token endpoint that grants the tokens for Kafka (OAuth client credentials).',
      allowed: 'an https:// address, or an http:// address of this machine',
      needs: ['KAFKA_SASL_MECHANISM=oauthbearer'],
    }),
  KAFKA_SASL_TOKEN_SCOPE: z
    .string()
    .optional()
    .meta({
      description: 'Scopes of the tokens for Kafka.',
      allowed: 'scopes, separated by spaces',
      needs: ['KAFKA_SASL_TOKEN_URL'],
    }),
};

/** How to reach the schema registry, and with what credentials. */
export const registrySettings = {
  SCHEMA_REGISTRY_URL: httpAddress()
    .default('http://127.0.0.1:8081/apis/ccompat/v7')
    .transform((address) => address.replace(/\/+$/, ''))
    .meta({
      description: "Your own registry with Confluent's API instead of the embedded one.",
      secret: true,
    }),
  SCHEMA_REGISTRY_USERNAME: z
    .string()
    .regex(/^[^:]+$/)
    .optional()
    .meta({
      description: 'Name of the user at the registry (basic authentication).',
      allowed: 'a user name without colon',
      needs: ['SCHEMA_REGISTRY_PASSWORD'],
    }),
  SCHEMA_REGISTRY_PASSWORD: z
    .string()
    .optional()
    .meta({
      description: 'Password of the user at the registry.',
      allowed: 'a password',
      secret: true,
      needs: ['SCHEMA_REGISTRY_USERNAME'],
    }),
  SCHEMA_REGISTRY_TOKEN: z
    .string()
    .regex(/^[\w.~+/-]+=*$/)
    .optional()
    .meta({
      description: 'Bearer token for the registry, instead of a user.',
      allowed: 'a token alone, without `Bearer`, spaces or quotes',
      secret: true,
      excludes: ['SCHEMA_REGISTRY_USERNAME'],
    }),
  SCHEMA_REGISTRY_CA_FILE: certificateFile().meta({
    description: "Certificates of the authorities that sign the registry's certificate. Unset: those of Node.js.",
  }),
};

/** What the topics must be. */
export const topicSafetySettings = {
  TOPIC_PARTITIONS: wholeNumber(1, 10_000)
    .optional()
    .meta({
      description:
        'Partitions of `orders.v1` when it is created. If set, an existing topic with another number is rejected.',
      shownDefault: String(DEFAULT_PARTITIONS),
    }),
  TOPIC_REPLICATION_FACTOR: wholeNumber(1, 100).default(3).meta({
    description:
      'Copies of each record in `orders.v1` and its dead-letter topic; topics with fewer are rejected. Embedded: 1, with `--replicated` 3.',
  }),
  TOPIC_MIN_INSYNC_REPLICAS: wholeNumber(1, 100).default(2).meta({
    description:
      'Copies that must exist before Kafka acknowledges a record; topics with fewer are rejected. Embedded: 1, with `--replicated` 2.',
  }),
};

export const kafkaSettings = {
  ...kafkaConnectionSettings,
  KAFKA_CLIENT: z.enum(['kafkajs', 'platformatic']).default('kafkajs').meta({
    description:
      'The client library over which records are sent and consumed: kafkajs or @platformatic/kafka. Topics and lag are always asked by kafkajs.',
  }),
  ...registrySettings,
  ...topicSafetySettings,
  KAFKA_CLUSTER_ID: z.string().optional().meta({
    description: 'Cluster id that Kafka must have. Unset: every cluster is accepted.',
    allowed: 'a cluster id',
    perProcess: true,
  }),
};
