import { describe, expect, it } from '@jest/globals';
import { DEAD_LETTER_TOPIC, ORDERS_TOPIC, topicSettings } from '#orders/topics/topics.js';
import { withMore, planTopics } from './topics.command.js';

const WANTED = topicSettings({ partitions: 12, replicationFactor: 3, minInSyncReplicas: 2 });
const FOUND = {
  partitions: 12,
  copies: 3,
  settings: new Map([
    ['min.insync.replicas', '2'],
    ['unclean.leader.election.enable', 'false'],
    ['message.timestamp.type', 'LogAppendTime'],
    ['retention.ms', '-1'],
    ['max.message.bytes', '9000000'],
  ]),
};
const BOTH = new Map([ORDERS_TOPIC, DEAD_LETTER_TOPIC].map((topic) => [topic, FOUND]));

describe('the plan of the topics', () => {
  it.each([12, undefined])('is empty if they are as wanted, or keep more, for %s partitions', (partitions) => {
    expect(planTopics(WANTED, BOTH, partitions)).toEqual({ missing: [], differences: [], left: [] });
  });

  it('creates missing topics', () => {
    const { missing } = planTopics(WANTED, new Map([[ORDERS_TOPIC, FOUND]]), undefined);
    expect(missing.map(({ topic }) => topic)).toEqual([DEAD_LETTER_TOPIC]);
  });

  it('lists each difference', () => {
    const settings = new Map([
      ...FOUND.settings,
      ['min.insync.replicas', '1'],
      ['message.timestamp.type', 'CreateTime'],
      ['retention.ms', '604800000'],
    ]);
    const found = new Map([...BOTH, [ORDERS_TOPIC, { ...FOUND, copies: 1, settings }]]);
    const setting = { kind: 'setting', topic: ORDERS_TOPIC };
    expect(planTopics(WANTED, found, 12).differences).toEqual([
      { kind: 'copies', topic: ORDERS_TOPIC, found: 1, wanted: 3 },
      { ...setting, name: 'min.insync.replicas', found: '1', wanted: '2' },
      { ...setting, name: 'message.timestamp.type', found: 'CreateTime', wanted: 'LogAppendTime' },
      { ...setting, name: 'retention.ms', found: '604800000', wanted: '2592000000' },
    ]);
  });

  it('leaves the partitions as they are', () => {
    const { left } = planTopics(WANTED, BOTH, 24);
    expect(left).toEqual([expect.stringContaining(`${ORDERS_TOPIC} has 12 partitions, not 24`)]);
  });

  it('wants as many partitions of dead letters as of orders', () => {
    const orders = { ...FOUND, partitions: 24 };
    const { missing } = planTopics(WANTED, new Map([[ORDERS_TOPIC, orders]]), undefined);
    expect(missing).toMatchObject([{ topic: DEAD_LETTER_TOPIC, numPartitions: 24 }]);
    const { left } = planTopics(WANTED, new Map([...BOTH, [ORDERS_TOPIC, orders]]), undefined);
    expect(left).toEqual([expect.stringContaining(`${DEAD_LETTER_TOPIC} has 12 partitions, fewer than the 24`)]);
  });
});

describe('more replicas of a partition', () => {
  it.each([
    [[2], [1, 2, 3, 4], 0, [2, 1, 3]],
    [[2], [1, 2, 3, 4], 1, [2, 3, 4]],
    [[2], [1, 2, 3, 4], 2, [2, 4, 1]],
    [[1], [1], 0, [1]],
  ])('keep %j first, and are chosen of the brokers %j for partition %d: %j', (has, brokers, partition, replicas) => {
    expect(withMore(has, brokers, 3, partition)).toEqual(replicas);
  });
});
