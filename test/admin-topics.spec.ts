import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Admin } from 'kafkajs';
import { freePort } from '../dev/machine/ports.js';
import { DEAD_LETTER_TOPIC, ORDERS_TOPIC } from '#orders/topics/topics.js';
import { prepareTopics } from '#service/kafka/prepare-topics.js';
import { emptyServers, type GivenServers } from './support/own-servers.js';
import { PATIENT, type Run, runApp, StartedApp } from './support/started-app.js';
import { changeTopicSettings, topicSettingsOf, quietKafka } from './support/topic-writer.js';

const ONE = { partitions: 3, clusterId: undefined, replicationFactor: 1, minInSyncReplicas: 1 };

describe('npm run admin -- topics, with a Kafka of one broker', () => {
  let servers: GivenServers;

  beforeEach(async () => {
    const given = await emptyServers();
    if (given === undefined) throw new Error('this project has shared servers');
    servers = given;
  });

  const runAdmin = async (settings: NodeJS.ProcessEnv, ...args: string[]): Promise<Run> =>
    runApp('admin', { ...PATIENT, ...servers, ...settings }, ...args);

  async function asAdmin<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = quietKafka(servers.KAFKA_BROKERS).admin();
    await admin.connect();
    try {
      return await work(admin);
    } finally {
      await admin.disconnect();
    }
  }

  /** Creates both topics, and gives the orders topic these settings instead of its own. */
  async function createdWith(settings: Readonly<Record<string, string>>): Promise<void> {
    await prepareTopics(quietKafka(servers.KAFKA_BROKERS), ONE, { warn: () => undefined });
    await asAdmin(async (admin) => changeTopicSettings(admin, ORDERS_TOPIC, settings));
  }

  const settingsOf = async (topic: string): Promise<Record<string, string>> =>
    asAdmin(async (admin) => topicSettingsOf(admin, topic));

  const partitionsOf = async (topic: string): Promise<number | undefined> =>
    asAdmin(async (admin) => (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0]?.partitions.length);

  it('plans the creation of missing topics, creates them, and then has nothing to do', async () => {
    const env = { TOPIC_PARTITIONS: '5' };
    const planned = await runAdmin(env, 'topics', 'plan');
    expect(planned).toMatchObject({ code: 1, stderr: '' });
    expect(planned.stdout.split('\n').slice(0, 2)).toEqual(
      [ORDERS_TOPIC, DEAD_LETTER_TOPIC].map(
        (topic) => `Topic ${topic} is missing: apply creates it with 5 partitions and replication factor 1.`,
      ),
    );
    expect(await asAdmin((admin) => admin.listTopics())).not.toContain(ORDERS_TOPIC);
    const applied = await runAdmin(env, 'topics', 'apply');
    expect(applied).toMatchObject({ code: 0, stderr: '' });
    expect(applied.stdout).toBe(
      `created topic ${ORDERS_TOPIC}\ncreated topic ${DEAD_LETTER_TOPIC}\nThe topics are as the settings want them.\n`,
    );
    expect([await partitionsOf(ORDERS_TOPIC), await partitionsOf(DEAD_LETTER_TOPIC)]).toEqual([5, 5]);
    const appended = { 'message.timestamp.type': 'LogAppendTime' };
    expect(await settingsOf(ORDERS_TOPIC)).toMatchObject({ 'retention.ms': '2592000000', ...appended });
    expect(await settingsOf(DEAD_LETTER_TOPIC)).toMatchObject({ 'retention.ms': '-1', ...appended });
    expect(await runAdmin(env, 'topics', 'plan')).toMatchObject({ code: 0, stderr: '' });
  });

  it('names each setting that differs, with the cure, changes it, and keeps the others', async () => {
    const other = { 'segment.ms': '123456' };
    await createdWith({ ...other, 'retention.ms': '60000', 'unclean.leader.election.enable': 'true' });
    const warnings: string[] = [];
    const logger = { warn: (_: object, line: string) => void warnings.push(line) };
    // What a service does at its start.
    expect(await prepareTopics(quietKafka(servers.KAFKA_BROKERS), ONE, logger)).toBe(3);
    expect(warnings).toContain(
      `Topic ${ORDERS_TOPIC} has retention.ms 60000, not 2592000000: change it with npm run admin -- topics apply.`,
    );
    // A topic of an earlier version.
    expect(warnings).toContain(
      `Topic ${ORDERS_TOPIC} has message.timestamp.type CreateTime, not LogAppendTime: change it with npm run admin -- topics apply.`,
    );
    const planned = await runAdmin({}, 'topics', 'plan');
    expect(planned).toMatchObject({ code: 1, stdout: `${warnings.join('\n')}\n` });
    expect(planned.stdout).toContain('unclean.leader.election.enable true, not false');
    const applied = await runAdmin({}, 'topics', 'apply');
    expect(applied).toMatchObject({ code: 0, stderr: '' });
    expect(applied.stdout).toContain(`changed retention.ms of topic ${ORDERS_TOPIC} from 60000 to 2592000000\n`);
    expect(await settingsOf(ORDERS_TOPIC)).toMatchObject({
      ...other,
      'retention.ms': '2592000000',
      'unclean.leader.election.enable': 'false',
      'message.timestamp.type': 'LogAppendTime',
    });
  });

  it('adds no partitions, and says so', async () => {
    await createdWith({});
    const { code, stdout } = await runAdmin({ TOPIC_PARTITIONS: '6' }, 'topics', 'apply');
    expect(code).toBe(1);
    expect(stdout).toContain(`Topic ${ORDERS_TOPIC} has 3 partitions, not 6: apply adds none`);
    expect(await partitionsOf(ORDERS_TOPIC)).toBe(3);
  });

  it.each(['producer', 'consumer'])('keeps a %s from topics with fewer copies than set', async (app) => {
    await createdWith({});
    const three = { TOPIC_REPLICATION_FACTOR: '3', TOPIC_MIN_INSYNC_REPLICAS: '2' };
    const started = await StartedApp.start(app, { ...servers, ...three });
    try {
      expect(await started.reasonOf('kafka', /^Topic /)).toBe(
        `Topic ${ORDERS_TOPIC} has replication factor 1, not 3: change it with npm run admin -- topics apply, or set ` +
          'TOPIC_REPLICATION_FACTOR=1 to accept it.',
      );
    } finally {
      await started.kill();
    }
  });

  it.each<[string, NodeJS.ProcessEnv, string[], string]>([
    [
      'more copies than brokers',
      { TOPIC_REPLICATION_FACTOR: '3' },
      ['topics', 'apply'],
      "Kafka has fewer brokers than TOPIC_REPLICATION_FACTOR 3, so that the topics can't get more copies: start all",
    ],
    [
      'more copies in sync than copies',
      { TOPIC_MIN_INSYNC_REPLICAS: '2' },
      ['topics', 'plan'],
      'TOPIC_MIN_INSYNC_REPLICAS must not be above TOPIC_REPLICATION_FACTOR 1, got 2 (docs/configuration.md#topic_min_insync_replicas)',
    ],
    [
      'no number',
      { TOPIC_PARTITIONS: 'many' },
      ['topics', 'plan'],
      'TOPIC_PARTITIONS must be an integer from 1 to 10,000, got "many"',
    ],
    ['no command', {}, ['topics', 'remove'], "unknown command 'remove'"],
  ])('refuses %s with exit code 2 and the cure', async (_, settings, args, line) => {
    await createdWith({});
    const { code, stdout, stderr } = await runAdmin(settings, ...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(line);
  });

  it('names the setting if no Kafka answers', async () => {
    const KAFKA_BROKERS = `127.0.0.1:${await freePort()}`;
    expect(await runApp('admin', { ...servers, KAFKA_BROKERS }, 'topics', 'plan')).toEqual({
      code: 2,
      stdout: '',
      stderr: `Kafka does not answer at ${KAFKA_BROKERS}: start it, or correct KAFKA_BROKERS (docs/configuration.md#kafka_brokers)\n`,
    });
  });
});
