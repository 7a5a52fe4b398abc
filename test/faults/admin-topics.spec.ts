import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Admin, ITopicMetadata } from 'kafkajs';
import { DEAD_LETTER_TOPIC, ORDERS_TOPIC, topicSettings } from '#orders/topics/topics.js';
import { prepareTopics } from '#service/kafka/prepare-topics.js';
import { runApp } from '../support/started-app.js';
import { StandaloneKafka } from '../support/own-servers.js';
import { readRecords, writeRecords } from '../support/topic-writer.js';

const PARTITIONS = 6;
const RECORDS = 60;

describe('npm run admin -- topics, with a Kafka of three brokers and topics of one copy', () => {
  let kafka: StandaloneKafka;
  let admin: Admin;

  beforeAll(async () => {
    kafka = await StandaloneKafka.start(3);
    admin = kafka.kafka.admin();
    await admin.connect();
    const unsafe = topicSettings({ partitions: PARTITIONS, replicationFactor: 1, minInSyncReplicas: 1 });
    await admin.createTopics({ topics: unsafe });
    const records = Array.from({ length: RECORDS }, (_, n) => ({
      partition: n % PARTITIONS,
      key: String(n),
      value: Buffer.from(`record ${n}`),
    }));
    await writeRecords(kafka.kafka, ORDERS_TOPIC, records);
  });

  afterAll(async () => {
    await admin?.disconnect();
    await kafka?.stop();
  });

  const metadata = async (): Promise<ITopicMetadata[]> =>
    (await admin.fetchTopicMetadata({ topics: [ORDERS_TOPIC, DEAD_LETTER_TOPIC] })).topics;

  it('refuses them by name in a service', async () => {
    const safe = { partitions: PARTITIONS, clusterId: undefined, replicationFactor: 3, minInSyncReplicas: 2 };
    await expect(prepareTopics(kafka.kafka, safe, { warn: () => undefined })).rejects.toMatchObject({
      code: 'unsafe-topic',
      message: expect.stringContaining(`${ORDERS_TOPIC} has replication factor 1, not 3`),
    });
    const inSync = { ...safe, replicationFactor: 1, minInSyncReplicas: 1 };
    expect(await prepareTopics(kafka.kafka, inSync, { warn: () => undefined })).toBe(PARTITIONS);
  });

  it('plans more copies, adds them before it needs them, and keeps the records', async () => {
    const env = { KAFKA_BROKERS: kafka.brokers };
    const planned = await runApp('admin', env, 'topics', 'plan');
    expect(planned.code).toBe(1);
    for (const topic of [ORDERS_TOPIC, DEAD_LETTER_TOPIC]) {
      expect(planned.stdout).toContain(`Topic ${topic} has replication factor 1, not 3: `);
      expect(planned.stdout).toContain(`Topic ${topic} has min.insync.replicas 1, not 2: `);
    }
    const { code, stdout, stderr } = await runApp('admin', env, 'topics', 'apply');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.split('\n');
    expect(
      lines.indexOf(`changed replication factor of topic ${DEAD_LETTER_TOPIC} from 1 to 3`),
    ).toBeGreaterThanOrEqual(0);
    expect(lines.indexOf(`changed min.insync.replicas of topic ${ORDERS_TOPIC} from 1 to 2`)).toBeGreaterThan(
      lines.indexOf(`changed replication factor of topic ${DEAD_LETTER_TOPIC} from 1 to 3`),
    );
    for (const { partitions } of await metadata()) {
      expect(partitions).toHaveLength(PARTITIONS);
      for (const { isr } of partitions) expect(new Set(isr)).toEqual(new Set([1, 2, 3]));
    }
    const records = await readRecords(kafka.kafka, ORDERS_TOPIC, RECORDS);
    expect(new Set(records.map(({ value }) => String(value))).size).toBe(RECORDS);
    expect(await runApp('admin', env, 'topics', 'plan')).toMatchObject({ code: 0, stderr: '' });
  });
});
