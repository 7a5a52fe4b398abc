import { describe, expect, it } from '@jest/globals';
import type { Kafka } from 'kafkajs';
import { prepareTopics } from './prepare-topics.js';
import { ORDERS_TOPIC } from './topics.js';

/** How a broker tells of the topics: with so many partitions, each led or not, or with an error. */
type Told = { readonly leader: number; readonly partitions?: number } | { readonly error: string };

/** Kafka whose brokers take turns, as kafkajs asks them, and tell this one after another; the last goes on. */
function kafkaThatTells(told: readonly Told[]): Kafka {
  let asked = 0;
  const admin = {
    connect: async () => Promise.resolve(),
    disconnect: async () => Promise.resolve(),
    describeCluster: async () => Promise.resolve({ brokers: [1, 2, 3], clusterId: 'it' }),
    listTopics: async () => Promise.resolve([]),
    createTopics: async () => Promise.resolve(false),
    fetchTopicMetadata: async ({ topics }: { topics: string[] }) => {
      const answer = told[Math.min(asked, told.length - 1)];
      asked += 1;
      if (answer === undefined || 'error' in answer)
        throw Object.assign(new Error('no'), { type: answer === undefined ? 'none' : answer.error });
      const { leader, partitions = 12 } = answer;
      const each = Array.from({ length: partitions }, () => ({ leader }));
      return Promise.resolve({ topics: topics.map((name) => ({ name, partitions: each })) });
    },
  };
  return { admin: () => admin } as unknown as Kafka;
}

const ANY = { partitions: undefined, clusterId: undefined };
const LED: Told = { leader: 1 };
const UNKNOWN: Told = { error: 'UNKNOWN_TOPIC_OR_PARTITION' };

describe('topics that have just been made', () => {
  it.each<[string, Told[]]>([
    ['all brokers know them', [LED]],
    ['the first broker has not heard of them yet', [UNKNOWN, LED]],
    ['the next one has not either, after one that had', [LED, UNKNOWN]],
    ['a partition has no leader yet', [{ leader: -1 }, { error: 'LEADER_NOT_AVAILABLE' }, LED]],
  ])('are ready when %s', async (_, told) => {
    expect(await prepareTopics(kafkaThatTells(told), ANY)).toBe(12);
  });

  it('are refused with another count than the one expected, and no other failure is waited out', async () => {
    const expected = { ...ANY, partitions: 6 };
    await expect(prepareTopics(kafkaThatTells([LED]), expected)).rejects.toMatchObject({
      code: 'wrong-partition-count',
      message: expect.stringContaining(ORDERS_TOPIC),
    });
    await expect(prepareTopics(kafkaThatTells([{ error: 'TOPIC_AUTHORIZATION_FAILED' }]), ANY)).rejects.toThrow('no');
  });
});
