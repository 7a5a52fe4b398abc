import { describe, expect, it } from '@jest/globals';
import { MongoNetworkError, MongoServerError } from 'mongodb';
import { RegistryRejectionError, RegistryUnavailableError } from '#orders/order/registry-connection.js';
import { explainConnection } from './explain-connection.js';

/** An error as kafkajs throws it. */
function kafkajsError(name: string, message: string, fields: object = {}): Error {
  return Object.assign(new Error(message), { name, ...fields });
}

function afterRetries(cause: Error): Error {
  return kafkajsError('KafkaJSNumberOfRetriesExceeded', cause.message, { cause });
}

const tls = (code: string): Error =>
  afterRetries(kafkajsError('KafkaJSConnectionError', 'Connection error: s3cret', { code }));

describe('a failed connection', () => {
  it.each<[Error, string]>([
    [tls('SELF_SIGNED_CERT_IN_CHAIN'), 'Kafka has a certificate of an unknown authority: set KAFKA_SSL_CA_FILE'],
    [tls('ERR_TLS_CERT_ALTNAME_INVALID'), 'Kafka has a certificate for another host name: set KAFKA_BROKERS'],
    [tls('CERT_HAS_EXPIRED'), 'Kafka at KAFKA_BROKERS has an expired certificate'],
    [tls('ERR_SSL_WRONG_VERSION_NUMBER'), 'Kafka does not use TLS at the port in KAFKA_BROKERS'],
    [tls('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'), 'set KAFKA_SSL_CERT_FILE and KAFKA_SSL_KEY_FILE'],
    [
      kafkajsError('KafkaJSSASLAuthenticationError', 'SASL SCRAM SHA512 authentication failed: s3cret'),
      'Kafka rejects the user in KAFKA_SASL_USERNAME: correct its name, KAFKA_SASL_PASSWORD or KAFKA_SASL_MECHANISM',
    ],
    [
      kafkajsError('KafkaJSProtocolError', 's3cret', { type: 'UNSUPPORTED_SASL_MECHANISM' }),
      'Kafka does not support KAFKA_SASL_MECHANISM',
    ],
    [
      kafkajsError('KafkaJSAggregateError', 'Topic errors', {
        errors: [kafkajsError('KafkaJSCreateTopicError', 's3cret', { type: 'TOPIC_AUTHORIZATION_FAILED' })],
      }),
      'Kafka denies a request of the user in KAFKA_SASL_USERNAME (TOPIC_AUTHORIZATION_FAILED): grant it the ACLs',
    ],
    [
      new RegistryUnavailableError('s3cret', {
        cause: Object.assign(new TypeError('fetch failed'), { cause: { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' } }),
      }),
      'The schema registry has a certificate of an unknown authority: set SCHEMA_REGISTRY_CA_FILE',
    ],
    [
      new MongoServerError({ message: 'Authentication failed.', code: 18 }),
      'MongoDB rejects the user in MONGODB_URI: correct its name or password',
    ],
    [
      new MongoNetworkError('s3cret', { cause: Object.assign(new Error(''), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }) }),
      'MongoDB has a certificate of an unknown authority: set MONGODB_URI (tlsCAFile) to the file',
    ],
    [
      new Error('joining the consumer group fails: JoinGroup failed: GROUP_AUTHORIZATION_FAILED'),
      'Kafka denies a request of the user in KAFKA_SASL_USERNAME (GROUP_AUTHORIZATION_FAILED): grant it the ACLs',
    ],
    [
      new MongoServerError({ message: 'not authorized on orders to execute command { insert: "s3cret" }', code: 13 }),
      'MongoDB denies a command of the user in MONGODB_URI: grant it the role of docs/operations.md#rights-in-mongodb',
    ],
    [
      kafkajsError('KafkaTokenRejectedError', 's3cret'),
      'The issuer at KAFKA_SASL_TOKEN_URL rejects the client: correct KAFKA_SASL_USERNAME or KAFKA_SASL_PASSWORD',
    ],
    [
      new RegistryRejectionError(401, 'a request to /s3cret'),
      'The schema registry rejects the credentials: correct SCHEMA_REGISTRY_USERNAME and SCHEMA_REGISTRY_PASSWORD, or',
    ],
  ])('gets one line with the setting and the cure: %s', (error, line) => {
    const explanation = explainConnection(error);
    expect(explanation).toContain(line);
    expect(explanation).toMatch(/ \(docs\/configuration\.md#[a-z_]+\)$/);
    expect(explanation).not.toMatch(/s3cret|\n/);
  });

  it.each([
    afterRetries(
      kafkajsError('KafkaJSConnectionError', 'Connection error: connect ECONNREFUSED', { code: 'ECONNREFUSED' }),
    ),
    new RegistryRejectionError(500, 'the compatibility'),
    new TypeError('CERT_HAS_EXPIRED'),
    undefined,
  ])('gets none if another attempt may succeed, or if its server is unknown: %s', (error) => {
    expect(explainConnection(error)).toBeUndefined();
  });
});
