import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ParallelConsumer } from '@orders-pipeline/parallel-consumer';
import { connectKafka, type KafkaOptions } from '@orders-pipeline/parallel-consumer/kafkajs';
import { z } from 'zod';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import type { ServerUser } from '#service/rights/service-rights.js';
import { DEAD_LETTER_GROUP, DEAD_LETTER_TOPIC, ORDERS_CONSUMER_GROUP, ORDERS_TOPIC } from '#orders/topics/topics.js';
import { dataClient, type DataClient, KafkaPositions, KafkaProbe } from '#service/kafka/kafka-clients.js';
import { kafkaAccess } from '#service/kafka/kafka-access.js';
import { prepareTopics } from '#service/kafka/prepare-topics.js';
import { explainConnection } from '#service/availability/explain-connection.js';
import { kafkaConnectionSettings, kafkaSettings } from '#service/settings/kafka-settings.js';
import { loadSettings } from '#service/settings/settings.js';
import { emptyServers, OPERATOR, ORDERS, SecuredKafka, STRANGER } from '../support/own-servers.js';
import { eventually } from '../support/eventually.js';
import { TestSystem } from '../support/test-system.js';
import { reconciled, runApp, type Run } from '../support/started-app.js';
import { changeTopicSettings } from '../support/topic-writer.js';

const Schema = z.object(kafkaConnectionSettings);
const ANY = { partitions: 2, clusterId: undefined, replicationFactor: 1, minInSyncReplicas: 1 };

/** Starts like a service, and returns the line that it would end with. */
async function refusal(options: KafkaOptions): Promise<string> {
  const probe = new KafkaProbe(options);
  const start = probe
    .requireAccess()
    .then(async () => prepareTopics(connectKafka(options), ANY, { warn: () => undefined }));
  const error: unknown = await start.catch((failure: unknown) => failure);
  await probe.close();
  return explainConnection(error) ?? String(error);
}

describe('a Kafka with TLS, users and ACLs', () => {
  let kafka: SecuredKafka;
  /** All log lines of all clients. */
  const logged: string[] = [];
  const isLogged = (text: string): boolean => logged.some((line) => line.includes(text));
  const log = (...line: unknown[]): void => void logged.push(JSON.stringify(line));
  const logger = { debug: log, info: log, warn: log, error: log };

  beforeAll(async () => {
    kafka = await SecuredKafka.start();
    const topics = [ORDERS_TOPIC, DEAD_LETTER_TOPIC];
    await kafka.allow(ORDERS, 'topic', topics, ['Create', 'Read', 'Write']);
    await kafka.allow(OPERATOR, 'topic', topics, ['Create', 'Describe', 'AlterConfigs', 'Alter']);
    await kafka.allow(OPERATOR, 'group', [ORDERS_CONSUMER_GROUP], ['Describe']);
    await kafka.allow(OPERATOR, 'cluster', ['kafka-cluster'], ['Describe', 'Alter']);
    await kafka.allow(ORDERS, 'group', [ORDERS_CONSUMER_GROUP, DEAD_LETTER_GROUP], ['Read']);
  });

  afterAll(async () => kafka?.stop());

  /** Returns a service's options for Kafka, from its settings. */
  function optionsOf(user: ServerUser, other: NodeJS.ProcessEnv = {}): KafkaOptions {
    const environment = { ...kafka.settingsOf(user), ...other };
    return { ...kafkaAccess(loadSettings(Schema, environment)), clientId: 'spec', logger };
  }

  /** Returns the client that `KAFKA_CLIENT` names, for the user of the services. */
  async function ordersClient(): Promise<DataClient> {
    const { KAFKA_CLIENT } = process.env;
    const settings = loadSettings(z.object(kafkaSettings), { ...kafka.settingsOf(ORDERS), KAFKA_CLIENT });
    return dataClient(settings, { clientId: 'spec', logger });
  }

  it('lets a user with ACLs create the topics, produce and consume', async () => {
    const kafkajs = connectKafka(optionsOf(ORDERS));
    expect(await prepareTopics(kafkajs, ANY, logger)).toBe(2);
    const client = await ordersClient();
    const producer = client.producer();
    const received = Promise.withResolvers<string>();
    const consumer = new ParallelConsumer(
      {
        handler: async ({ value }) => Promise.resolve(received.resolve(String(value))),
        logger,
        deadLetterTopic: DEAD_LETTER_TOPIC,
      },
      client.broker({ topic: ORDERS_TOPIC, groupId: ORDERS_CONSUMER_GROUP, logger }),
    );
    await consumer.start();
    await producer.send(ORDERS_TOPIC, [{ partition: 1, key: 'a', value: Buffer.from('saved'), headers: {} }]);
    expect(await received.promise).toBe('saved');
    await consumer.stop();
    await producer.close();
    const positions = new KafkaPositions(kafkajs);
    expect([...(await positions.committed(ORDERS_CONSUMER_GROUP, ORDERS_TOPIC)).values()]).toContain(1);
    await positions.close();
  });

  it.each<[string, () => KafkaOptions, string]>([
    [
      'a wrong password',
      () => optionsOf({ ...ORDERS, password: 'canary-wrong-password' }),
      'Kafka rejects the user in KAFKA_SASL_USERNAME: correct its name, KAFKA_SASL_PASSWORD or KAFKA_SASL_MECHANISM',
    ],
    [
      'a mechanism that is not enabled',
      () => optionsOf(ORDERS, { KAFKA_SASL_MECHANISM: 'plain' }),
      'Kafka does not support KAFKA_SASL_MECHANISM: set one',
    ],
    [
      'a foreign authority',
      () => optionsOf(ORDERS, { KAFKA_SSL_CA_FILE: kafka.foreignAuthority }),
      "Kafka has a certificate of an unknown authority: set KAFKA_SSL_CA_FILE to the file with its authority's certificate",
    ],
    [
      'no authority',
      () => optionsOf(ORDERS, { KAFKA_SSL_CA_FILE: '' }),
      'Kafka has a certificate of an unknown authority: set KAFKA_SSL_CA_FILE',
    ],
    [
      'a wrong host name',
      () => optionsOf(ORDERS, { KAFKA_BROKERS: kafka.brokers.replace('127.0.0.1', 'localhost') }),
      'Kafka has a certificate for another host name: set KAFKA_BROKERS to a name that the certificate has',
    ],
    [
      'a missing ACL',
      () => optionsOf(STRANGER),
      'Kafka denies a request of the user in KAFKA_SASL_USERNAME (TOPIC_AUTHORIZATION_FAILED): grant it the ACLs of',
    ],
  ])('ends a start with one line for %s', async (_, options, line) => {
    const refused = await refusal(options());
    expect(refused).toContain(line);
    expect(refused).not.toMatch(/canary|\n/);
  });

  it('fails readiness with the same line', async () => {
    const probe = new KafkaProbe(optionsOf({ ...ORDERS, password: 'canary-wrong-password' }));
    const failure: unknown = await probe.check().catch((error: unknown) => error);
    expect(explainConnection(failure)).toContain('Kafka rejects the user in KAFKA_SASL_USERNAME');
  });

  it('keeps a consumer without the ACL of its group running and not ready, and its log names what is missing', async () => {
    const client = await ordersClient();
    const consumer = new ParallelConsumer(
      { handler: async () => Promise.resolve(), logger, deadLetterTopic: DEAD_LETTER_TOPIC },
      client.broker({ topic: ORDERS_TOPIC, groupId: 'other-group', logger }),
    );
    const started = consumer.start();
    try {
      const because = (): string => consumer.status.notReadyBecause ?? '';
      await eventually('the status names the missing ACL', () => because().includes('GROUP_AUTHORIZATION_FAILED'));
      const { ready, notReadyBecause } = consumer.status;
      expect([ready, isLogged('GROUP_AUTHORIZATION_FAILED')]).toEqual([false, true]);
      expect(explainConnection(new Error(notReadyBecause))).toContain('grant it the ACLs of');
    } finally {
      await Promise.allSettled([consumer.stop(), started]);
    }
  });

  it('lets the operator change the topics, and shows others what they may not', async () => {
    const { MONGODB_URI } = { ...(await emptyServers()) };
    const run = async (user: ServerUser, ...args: string[]): Promise<Run> =>
      runApp('admin', { ...kafka.settingsOf(user), MONGODB_URI }, 'topics', ...args);
    const admin = connectKafka(optionsOf(OPERATOR)).admin();
    await admin.connect();
    const partitionAssignment = [{ partition: 0, replicas: [1] }];
    await admin.alterPartitionReassignments({ topics: [{ topic: ORDERS_TOPIC, partitionAssignment }] });
    await changeTopicSettings(admin, ORDERS_TOPIC, { 'retention.ms': '60000' });
    await admin.disconnect();
    const planned = await run(OPERATOR, 'plan');
    expect([planned.code, planned.stdout]).toEqual([1, expect.stringContaining('retention.ms 60000, not 2592000000')]);
    expect(await run(OPERATOR, 'apply')).toMatchObject({ code: 0, stderr: '' });
    expect(await run(OPERATOR, 'expand', '--partitions', '3')).toMatchObject({ code: 0, stderr: '' });
    const unread = `The settings of topic ${ORDERS_TOPIC} can't be read: allow DescribeConfigs`;
    expect(await run(ORDERS, 'plan')).toMatchObject({ code: 1, stdout: expect.stringContaining(unread) });
    const denied = await run(STRANGER, 'apply');
    expect([denied.code, denied.stdout]).toEqual([2, '']);
    expect(denied.stderr).toMatch(/^Kafka denies a request of .* \(TOPIC_AUTHORIZATION_FAILED\): grant .*\n$/);
  });

  it('runs the whole pipeline, with the password in a file, and reconciles', async () => {
    const file = join(kafka.folder, 'password');
    await writeFile(file, `${ORDERS.password}\n`);
    const settings = { ...kafka.settingsOf(ORDERS), KAFKA_SASL_PASSWORD: '', KAFKA_SASL_PASSWORD_FILE: file };
    const system = await TestSystem.start({
      env: { ...settings, LOG_LEVEL: 'debug' },
      flags: ['--save-ms', '0..5'],
      dataDirectory: join(kafka.folder, 'system'),
    });
    try {
      const { id } = await system.populate({ count: 500 });
      await system.allSaved(id);
      expect(await reconciled(system, id)).toMatchObject({ code: 0, verdict: 'holds' });
      const urls = [system.producerUrl, system.consoleUrl, system.queryApiUrl];
      const shown = urls.flatMap((url) => [`${url}/health/ready`, `${url}/docs-json`, `${url}/metrics`]);
      for (const url of shown) {
        const response = await fetch(url);
        expect([url, response.status]).toEqual([url, 200]);
        expect(await response.text()).not.toContain('canary');
      }
    } finally {
      await system.stop();
    }
    const written = new Map(system.writtenTexts());
    expect([...written.keys()]).toEqual(expect.arrayContaining(['producer.log', 'consumer-1.log', 'console.log']));
    for (const text of written.values()) expect(text).not.toContain('canary');
  });

  it.each([
    ['consumer', []],
    ['producer', []],
    ['admin', ['reconcile', crypto.randomUUID()]],
  ])('ends %s with a wrong password at once, with one line on stderr', async (app, args) => {
    const env = {
      PATH: process.env['PATH'],
      ...(await emptyServers()),
      ...kafka.settingsOf({ ...ORDERS, password: 'canary-wrong-password' }),
      PORT: '0',
    };
    const script = join(PROJECT_DIRECTORY, `dist/apps/${app}/src/main.js`);
    const run = promisify(execFile)(process.execPath, [script, ...args], { env });
    const failure = (await run.catch((error: unknown) => error)) as { code: number; stdout: string; stderr: string };
    expect(failure.code).toBe(1);
    expect(failure.stderr).toMatch(/^Kafka rejects the user in KAFKA_SASL_USERNAME: correct .*\n$/);
    expect(failure.stdout).not.toContain('canary');
  });

  it('shows no password in any log line of a client, nor in the log of the broker', async () => {
    expect(logged).not.toEqual([]);
    expect(isLogged('canary')).toBe(false);
    expect(await readFile(kafka.logFile, 'utf8')).not.toContain('canary');
  });
});
