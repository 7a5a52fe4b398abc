import { createRequire } from 'node:module';
import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  MongoNetworkError,
  MongoNetworkTimeoutError,
  MongoServerError,
  MongoServerSelectionError,
  type TopologyDescription,
} from 'mongodb';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { RegistryRejectionError, RegistryUnavailableError } from '#orders/order/registry-connection.js';
import { WrongKafkaError } from '../kafka/prepare-topics.js';
import { isConnectionLost, isDatabaseUnavailable } from '../mongodb/mongo-errors.js';
import { MissingIndexError } from '../mongodb/indexes.js';
import { explainConnection } from './explain-connection.js';
import { DependencyState } from './dependency-state.js';
import { isRefused, Startup } from './startup.js';

/** Fails with these messages, and then succeeds. */
function failing(...messages: string[]): () => Promise<string> {
  return async () => {
    const message = messages.shift();
    if (message !== undefined) throw new Error(message);
    return 'connected';
  };
}

describe('a start', () => {
  let clock: ManualClock;
  let logged: (readonly [message: string, reason: unknown])[];
  let startup: Startup;

  beforeEach(() => {
    clock = new ManualClock();
    logged = [];
    const log = (fields: object, message: string): void =>
      void logged.push([message, 'reason' in fields ? fields.reason : undefined]);
    startup = new Startup({ warn: log, info: log }, clock);
  });

  it('repeats an attempt each second until it succeeds', async () => {
    const waited = startup.until('kafka', failing('away', 'away'));
    await clock.advance(1_999);
    expect(startup.outages.all.get('kafka')?.reason).toBe('away');
    await clock.advance(1);
    expect(await waited).toBe('connected');
    expect(startup.outages.all.size).toBe(0);
  });

  it('knows everything that is unavailable, and since when', async () => {
    void startup.until('mongodb', failing('no primary', 'no primary', 'no primary'));
    await clock.advance(1_500);
    void startup.until('kafka', failing('refused'));
    await clock.advance(0);
    expect(Object.fromEntries(startup.outages.all)).toEqual({
      mongodb: { reason: 'no primary', since: '1970-01-01T00:00:00.000Z' },
      kafka: { reason: 'refused', since: '1970-01-01T00:00:01.500Z' },
    });
  });

  it('logs a line for each change, and none for each attempt', async () => {
    const waited = startup.until('kafka', failing('refused :9092', 'refused :9093', 'refused :9092', 'unsafe topic'));
    await clock.advance(4_000);
    await waited;
    expect(logged).toEqual([
      ['not ready', 'refused :9092'],
      ['not ready', 'unsafe topic'],
      ['available again', undefined],
    ]);
  });

  it('warns of what needs attention only', () => {
    const levels: string[] = [];
    const outages = new DependencyState({ warn: () => levels.push('warn'), info: () => levels.push('info') }, clock);
    outages.failed('group', new Error('the consumer is starting'), true);
    outages.works('group');
    outages.failed('group', new Error('no coordinator'));
    expect(levels).toEqual(['info', 'info', 'warn']);
  });

  it('ends at once if waiting can not help', async () => {
    const wrongPassword = new MongoServerError({ message: 'Authentication failed.', code: 18 });
    await expect(startup.until('mongodb', async () => Promise.reject(wrongPassword))).rejects.toBe(wrongPassword);
    expect(logged).toEqual([]);
  });
});

/** An error as kafkajs throws it. */
function kafkajsError(name: string, message: string, fields: object = {}): Error {
  return Object.assign(new Error(message), { name, ...fields });
}

function afterRetries(cause: Error): Error {
  return kafkajsError('KafkaJSNumberOfRetriesExceeded', cause.message, { cause });
}

function tls(code: string): Error {
  return afterRetries(kafkajsError('KafkaJSConnectionError', 'Connection error: s3cret', { code }));
}

/** An error of `fetch` or of MongoDB's driver, as its cause. */
function causedBy(code: string): { cause: Error } {
  return { cause: Object.assign(new Error('fetch failed'), { code, cause: { code } }) };
}

function mongoError(code: number, message = 'no', ...errorLabels: string[]): MongoServerError {
  return new MongoServerError({ message, code, errorLabels });
}

describe('a failure', () => {
  const denied = kafkajsError('KafkaJSProtocolError', 'denied', { type: 'TOPIC_AUTHORIZATION_FAILED' });

  it.each([
    ['a server that is unavailable', new MongoServerSelectionError('no primary', {} as TopologyDescription), false],
    ['a missing index, which the migration creates', new MissingIndexError('Index a is missing'), false],
    ['a topic with too few copies, which topics apply repairs', new WrongKafkaError('unsafe-topic', ''), false],
    ['a missing right, which is granted at the server', denied, false],
    ['an expired certificate, which is renewed at the server', tls('CERT_HAS_EXPIRED'), false],
    ['a certificate that the settings do not accept', tls('SELF_SIGNED_CERT_IN_CHAIN'), true],
    ['another cluster than the settings name', new WrongKafkaError('wrong-cluster', ''), true],
    ['another number of partitions than the settings name', new WrongKafkaError('wrong-partition-count', ''), true],
  ])('(%s) is waited for, or ends the start', (_, error, ends) => {
    expect(isRefused(error)).toBe(ends);
  });
});

describe('a failed connection', () => {
  const ofTopic = kafkajsError('KafkaJSCreateTopicError', 's3cret', { type: 'TOPIC_AUTHORIZATION_FAILED' });

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
      kafkajsError('KafkaJSAggregateError', 'Topic errors', { errors: [ofTopic] }),
      'Kafka denies a request of the user in KAFKA_SASL_USERNAME (TOPIC_AUTHORIZATION_FAILED): grant it the ACLs',
    ],
    [
      new RegistryUnavailableError('s3cret', causedBy('UNABLE_TO_VERIFY_LEAF_SIGNATURE')),
      'The schema registry has a certificate of an unknown authority: set SCHEMA_REGISTRY_CA_FILE',
    ],
    [mongoError(18, 'Authentication failed.'), 'MongoDB rejects the user in MONGODB_URI: correct its name or password'],
    [
      new MongoNetworkError('s3cret', causedBy('DEPTH_ZERO_SELF_SIGNED_CERT')),
      'MongoDB has a certificate of an unknown authority: set MONGODB_URI (tlsCAFile) to the file',
    ],
    [
      new Error('joining the consumer group fails: JoinGroup failed: GROUP_AUTHORIZATION_FAILED'),
      'Kafka denies a request of the user in KAFKA_SASL_USERNAME (GROUP_AUTHORIZATION_FAILED): grant it the ACLs',
    ],
    [
      mongoError(13, 'not authorized on orders to execute command { insert: "s3cret" }'),
      'MongoDB denies a command of the user in MONGODB_URI: grant it the role of docs/run.md#users-and-rights',
    ],
    [
      kafkajsError('KafkaTokenRejectedError', 's3cret'),
      'The issuer at KAFKA_SASL_TOKEN_URL rejects the client: correct KAFKA_SASL_USERNAME or KAFKA_SASL_PASSWORD',
    ],
    [
      new RegistryRejectionError(401, 'a request to /s3cret'),
      'The schema registry rejects the credentials: correct SCHEMA_REGISTRY_USERNAME and SCHEMA_REGISTRY_PASSWORD, or',
    ],
  ])('gets one line with the setting and the fix: %s', (error, line) => {
    const explanation = explainConnection(error);
    expect(explanation).toContain(line);
    expect(explanation).toMatch(/ \(docs\/configuration\.md#[a-z_]+\)$/);
    expect(explanation).not.toMatch(/s3cret|\n/);
  });

  it.each([
    tls('ECONNREFUSED'),
    new RegistryRejectionError(500, 'the compatibility'),
    new TypeError('CERT_HAS_EXPIRED'),
    undefined,
  ])('gets none if another attempt may succeed, or if its server is unknown: %s', (error) => {
    expect(explainConnection(error)).toBeUndefined();
  });
});

/** Errors of the driver's connection pool, which the driver doesn't export. */
const { PoolClearedOnNetworkError, PoolClosedError } = createRequire(import.meta.url)(
  'mongodb/lib/cmap/errors',
) as Record<'PoolClearedOnNetworkError' | 'PoolClosedError', new (pool: { readonly address: string }) => Error>;

describe('a failure of MongoDB', () => {
  const pool = { address: '127.0.0.1:27017' };
  const brokenPipe = Object.assign(new Error('ended by the other party'), { code: 'EPIPE' });
  const retried = mongoError(112, 'no', 'TransientTransactionError');

  it.each([
    ['no server responds', 'unavailable', 'lost', new MongoNetworkError('closed')],
    ['the pool was cleared during a request', 'unavailable', 'lost', new PoolClearedOnNetworkError(pool)],
    ['a member has left the replica set', 'unavailable', 'kept', new PoolClosedError(pool)],
    ['a member is no longer primary', 'unavailable', 'lost', mongoError(13_435)],
    ['a member became a secondary during a request', 'unavailable', 'lost', mongoError(11_602)],
    ['a member is shutting down', 'unavailable', 'lost', mongoError(91)],
    ['a new primary has no majority yet', 'unavailable', 'kept', mongoError(134)],
    ['a request exceeded its time limit', 'unavailable', 'kept', mongoError(50)],
    ['a member did not respond in time', 'unavailable', 'kept', new MongoNetworkTimeoutError('timed out')],
    ['no majority acknowledged a write in time', 'unavailable', 'kept', mongoError(64)],
    ['a cursor was on a member that is down', 'unavailable', 'lost', mongoError(43)],
    ['a connection was closed by the server', 'unavailable', 'lost', brokenPipe],
    ['a transaction must be retried', 'unavailable', 'kept', retried],
    ['a key exists already', 'available', 'kept', mongoError(11_000)],
    ['a request is invalid', 'available', 'kept', mongoError(2)],
    ['the error is not from MongoDB', 'available', 'kept', new Error('no answer')],
  ])('when %s: the database is %s, and the connection is %s', (_, database, connection, error) => {
    expect(isDatabaseUnavailable(error)).toBe(database === 'unavailable');
    expect(isConnectionLost(error)).toBe(connection === 'lost');
  });
});
