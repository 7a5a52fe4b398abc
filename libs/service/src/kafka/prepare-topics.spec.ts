import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Kafka } from 'kafkajs';
import { prepareTopics } from './prepare-topics.js';
import { ORDERS_TOPIC } from '#orders/topics/topics.js';

/** A broker's metadata response: a number of partitions with or without leaders, or an error. */
type Metadata = { readonly leader: number; readonly partitions?: number } | { readonly error: string };

interface Cluster {
  /** The responses one after another, as from different brokers; the last one repeats. */
  readonly metadata?: readonly Metadata[];
  readonly copies?: number;
  /** The settings of both topics; an error's type if this client may not read them. */
  readonly config?: Readonly<Record<string, string>> | string;
  readonly createFault?: string;
}

const SAFE = {
  'min.insync.replicas': '2',
  'unclean.leader.election.enable': 'false',
  'message.timestamp.type': 'LogAppendTime',
  'retention.ms': '-1',
  'max.message.bytes': '5000000',
};

class BrokerError extends Error {
  constructor(readonly type: string) {
    super(type);
  }
}

/** Creates a Kafka client of a cluster. */
function kafkaOf({ metadata = [LED], copies = 3, config = SAFE, createFault }: Cluster): Kafka {
  let requests = 0;
  const admin = {
    connect: async () => Promise.resolve(),
    disconnect: async () => Promise.resolve(),
    describeCluster: async () => Promise.resolve({ brokers: [1, 2, 3], clusterId: 'it' }),
    listTopics: async () => Promise.resolve([]),
    // kafkajs waits for the leaders by default, and fails if its first response is an unknown topic.
    createTopics: async ({ waitForLeaders = true }) => {
      if (createFault !== undefined)
        throw Object.assign(new Error('several'), { errors: [new BrokerError(createFault)] });
      return waitForLeaders ? admin.fetchTopicMetadata({ topics: [] }) : Promise.resolve(true);
    },
    fetchTopicMetadata: async ({ topics }: { topics: string[] }) => {
      const response = metadata[Math.min(requests, metadata.length - 1)];
      requests += 1;
      if (response === undefined || 'error' in response) throw new BrokerError(response?.error ?? 'none');
      const { leader, partitions = 12 } = response;
      const replicas = Array.from({ length: copies }, (_, id) => id);
      const each = Array.from({ length: partitions }, () => ({ leader, replicas }));
      return Promise.resolve({ topics: topics.map((name) => ({ name, partitions: each })) });
    },
    describeConfigs: async ({ resources }: { resources: { name: string }[] }) => {
      if (typeof config === 'string') throw new BrokerError(config);
      const configEntries = Object.entries(config).map(([configName, configValue]) => ({ configName, configValue }));
      return Promise.resolve({ resources: resources.map(({ name }) => ({ resourceName: name, configEntries })) });
    },
  };
  return { admin: () => admin } as unknown as Kafka;
}

const ANY = { partitions: undefined, clusterId: undefined, replicationFactor: 3, minInSyncReplicas: 2 };
const LED: Metadata = { leader: 1 };
const UNKNOWN: Metadata = { error: 'UNKNOWN_TOPIC_OR_PARTITION' };

let warnings: string[];
const logger = { warn: (_details: object, line: string) => void warnings.push(line) };

beforeEach(() => {
  warnings = [];
});

describe('prepareTopics with new topics', () => {
  it.each<[string, Metadata[]]>([
    ['all brokers know them', [LED]],
    ['the first broker does not know them yet', [UNKNOWN, LED]],
    ['the second broker does not know them yet', [LED, UNKNOWN]],
    ['a partition has no leader yet', [{ leader: -1 }, { error: 'LEADER_NOT_AVAILABLE' }, LED]],
  ])('succeeds when %s', async (_, metadata) => {
    expect(await prepareTopics(kafkaOf({ metadata }), ANY, logger)).toBe(12);
    expect(warnings).toEqual([]);
  });

  it('waits for topics that Kafka takes longer to create than a request', async () => {
    const slow = kafkaOf({ createFault: 'REQUEST_TIMED_OUT', metadata: [UNKNOWN, LED] });
    expect(await prepareTopics(slow, ANY, logger)).toBe(12);
  });

  it('rejects an unexpected partition count, and does not retry other errors', async () => {
    const expected = { ...ANY, partitions: 6 };
    await expect(prepareTopics(kafkaOf({}), expected, logger)).rejects.toMatchObject({
      code: 'wrong-partition-count',
      message: expect.stringContaining(ORDERS_TOPIC),
    });
    const denied = kafkaOf({ metadata: [{ error: 'TOPIC_AUTHORIZATION_FAILED' }] });
    await expect(prepareTopics(denied, ANY, logger)).rejects.toThrow('TOPIC_AUTHORIZATION_FAILED');
  });

  it('accepts a count that the topic was expanded from, with a warning', async () => {
    const expected = { ...ANY, partitions: 6, earlierPartitions: async () => Promise.resolve([3, 6]) };
    expect(await prepareTopics(kafkaOf({}), expected, logger)).toBe(12);
    expect(warnings).toEqual([expect.stringContaining('set TOPIC_PARTITIONS=12')]);
  });

  it('needs as many brokers as copies, and no more copies in sync than there are', async () => {
    const small = kafkaOf({ createFault: 'INVALID_REPLICATION_FACTOR' });
    await expect(prepareTopics(small, ANY, logger)).rejects.toMatchObject({
      code: 'too-few-brokers',
      message: expect.stringContaining('fewer brokers than TOPIC_REPLICATION_FACTOR 3'),
    });
    await expect(prepareTopics(kafkaOf({}), { ...ANY, minInSyncReplicas: 4 }, logger)).rejects.toThrow(
      'TOPIC_MIN_INSYNC_REPLICAS must not be above TOPIC_REPLICATION_FACTOR 3, got 4',
    );
  });
});

describe('prepareTopics with existing topics', () => {
  it.each<[string, Cluster, string]>([
    ['fewer copies', { copies: 1 }, 'replication factor 1, not 3'],
    ['fewer copies in sync', { config: { ...SAFE, 'min.insync.replicas': '1' } }, 'min.insync.replicas 1, not 2'],
  ])('rejects %s by name, with the fix', async (_, cluster, text) => {
    await expect(prepareTopics(kafkaOf(cluster), ANY, logger)).rejects.toMatchObject({
      code: 'unsafe-topic',
      message: expect.stringContaining(`${ORDERS_TOPIC} has ${text}`),
    });
  });

  it.each<[string, Cluster, string]>([
    [
      'an unclean election',
      { config: { ...SAFE, 'unclean.leader.election.enable': 'true' } },
      'unclean.leader.election.enable true',
    ],
    [
      'timestamps by the clocks of producers',
      { config: { ...SAFE, 'message.timestamp.type': 'CreateTime' } },
      `Topic ${ORDERS_TOPIC} has message.timestamp.type CreateTime, not LogAppendTime: change it with npm run admin`,
    ],
    ['a short retention', { config: { ...SAFE, 'retention.ms': '1000' } }, 'retention.ms 1000'],
    ['settings that it may not read', { config: 'TOPIC_AUTHORIZATION_FAILED' }, "can't be read"],
  ])('warns of %s', async (_, cluster, text) => {
    expect(await prepareTopics(kafkaOf(cluster), ANY, logger)).toBe(12);
    expect(warnings).toContainEqual(expect.stringContaining(text));
  });

  it('accepts more copies and a longer retention', async () => {
    const one = { ...ANY, replicationFactor: 1, minInSyncReplicas: 1 };
    expect(await prepareTopics(kafkaOf({}), one, logger)).toBe(12);
    expect(warnings).toEqual([]);
  });
});
