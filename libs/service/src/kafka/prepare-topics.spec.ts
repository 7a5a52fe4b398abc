import { describe, expect, it } from '@jest/globals';
import type { Kafka } from 'kafkajs';
import { prepareTopics } from './prepare-topics.js';
import { ORDERS_TOPIC } from '#orders/topics/topics.js';

/** A broker's metadata response: a number of partitions with or without leaders, or an error. */
type Metadata = { readonly leader: number; readonly partitions?: number } | { readonly error: string };

/** Creates a Kafka client that returns these responses one after another, as from different brokers; the last one repeats. */
function kafkaResponding(responses: readonly Metadata[]): Kafka {
  let requests = 0;
  const admin = {
    connect: async () => Promise.resolve(),
    disconnect: async () => Promise.resolve(),
    describeCluster: async () => Promise.resolve({ brokers: [1, 2, 3], clusterId: 'it' }),
    listTopics: async () => Promise.resolve([]),
    // kafkajs waits for the leaders by default, and fails if its first response is an unknown topic.
    createTopics: async ({ waitForLeaders = true }) =>
      waitForLeaders ? admin.fetchTopicMetadata({ topics: [] }) : Promise.resolve(true),
    fetchTopicMetadata: async ({ topics }: { topics: string[] }) => {
      const response = responses[Math.min(requests, responses.length - 1)];
      requests += 1;
      if (response === undefined || 'error' in response)
        throw Object.assign(new Error('no'), { type: response === undefined ? 'none' : response.error });
      const { leader, partitions = 12 } = response;
      const each = Array.from({ length: partitions }, () => ({ leader }));
      return Promise.resolve({ topics: topics.map((name) => ({ name, partitions: each })) });
    },
  };
  return { admin: () => admin } as unknown as Kafka;
}

const ANY = { partitions: undefined, clusterId: undefined };
const LED: Metadata = { leader: 1 };
const UNKNOWN: Metadata = { error: 'UNKNOWN_TOPIC_OR_PARTITION' };

describe('prepareTopics with new topics', () => {
  it.each<[string, Metadata[]]>([
    ['all brokers know them', [LED]],
    ['the first broker does not know them yet', [UNKNOWN, LED]],
    ['the second broker does not know them yet', [LED, UNKNOWN]],
    ['a partition has no leader yet', [{ leader: -1 }, { error: 'LEADER_NOT_AVAILABLE' }, LED]],
  ])('succeeds when %s', async (_, responses) => {
    expect(await prepareTopics(kafkaResponding(responses), ANY)).toBe(12);
  });

  it('rejects an unexpected partition count, and does not retry other errors', async () => {
    const expected = { ...ANY, partitions: 6 };
    await expect(prepareTopics(kafkaResponding([LED]), expected)).rejects.toMatchObject({
      code: 'wrong-partition-count',
      message: expect.stringContaining(ORDERS_TOPIC),
    });
    await expect(prepareTopics(kafkaResponding([{ error: 'TOPIC_AUTHORIZATION_FAILED' }]), ANY)).rejects.toThrow('no');
  });
});
