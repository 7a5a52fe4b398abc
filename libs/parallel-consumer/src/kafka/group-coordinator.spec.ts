import { describe, expect, it } from '@jest/globals';
import type { TopicPartition } from './broker.js';
import { hookGroupCoordinator, type GroupCoordinator, type GroupMembership } from './group-coordinator.js';

type FindCoordinator = (group: { groupId: string }) => Promise<GroupCoordinator>;

function protocolError(type: string): Error {
  return Object.assign(new Error(type), { type });
}

/** A coordinator whose every request ends as said. */
function coordinator(answer?: Error): GroupCoordinator {
  const request = async (): Promise<string> => {
    if (answer) throw answer;
    return 'done';
  };
  const joinGroup = async () => {
    await request();
    return { generationId: 7, memberId: 'member' };
  };
  return { heartbeat: request, joinGroup, syncGroup: request, offsetCommit: request };
}

/** Looks for the coordinator through the hook, with a cluster that fails as often as said before it finds it. */
async function find(failures: number, answer?: Error) {
  const told: string[] = [];
  let left = failures;
  const cluster = {
    findGroupCoordinator: async (): Promise<GroupCoordinator> => {
      told.push('look');
      left -= 1;
      if (left >= 0) throw new Error('connection reset');
      return coordinator(answer);
    },
    findBroker: async () => coordinator(answer),
  };
  const hook = {
    beforeJoin: async () => void told.push('drain'),
    isWanted: () => told.length < 10,
    joined: ({ generationId }: GroupMembership) => void told.push(`generation ${generationId}`),
    outOfRange: async () => undefined,
    afterFailure: async () => void told.push('rest'),
  };
  hookGroupCoordinator(cluster, 'savers', hook);
  hookGroupCoordinator(cluster, 'savers', hook);
  return {
    told,
    cluster,
    found: cluster.findGroupCoordinator as FindCoordinator,
  };
}

describe('the hook before a join', () => {
  it('drains once, then looks until the coordinator is found', async () => {
    const { told, found } = await find(2);
    await found({ groupId: 'savers' });
    expect(told).toEqual(['drain', 'look', 'rest', 'look', 'rest', 'look']);
  });

  it('gives up when the consumer is no longer wanted', async () => {
    const { found } = await find(1_000);
    await expect(found({ groupId: 'savers' })).rejects.toThrow('connection reset');
  });

  it('leaves other groups alone', async () => {
    const { told, found } = await find(0);
    await found({ groupId: 'others' });
    expect(told).toEqual(['look']);
  });

  it.each([
    new Error('Closed connection'),
    protocolError('GROUP_LOAD_IN_PROGRESS'),
    protocolError('GROUP_COORDINATOR_NOT_AVAILABLE'),
  ])('makes kafkajs look for the coordinator again after: %s', async (answer) => {
    const { found } = await find(0, answer);
    const coordinatorFound = await found({ groupId: 'savers' });
    for (const request of ['heartbeat', 'joinGroup', 'syncGroup'] as const)
      await expect(coordinatorFound[request]({})).rejects.toMatchObject({ type: 'NOT_COORDINATOR_FOR_GROUP' });
  });

  it('passes on what the coordinator means', async () => {
    const { found } = await find(0, protocolError('REBALANCE_IN_PROGRESS'));
    const coordinatorFound = await found({ groupId: 'savers' });
    await expect(coordinatorFound.heartbeat({})).rejects.toMatchObject({ type: 'REBALANCE_IN_PROGRESS' });
  });

  it('tells the generation that a join led to', async () => {
    const { found, told } = await find(0);
    const coordinatorFound = await found({ groupId: 'savers' });
    await coordinatorFound.joinGroup({});
    expect(told).toEqual(['drain', 'look', 'generation 7']);
  });
});

/** A coordinator that was found through the hook, which answers a reset as said. */
async function committing(outOfRange: (partition: TopicPartition) => number | undefined) {
  const sent: object[] = [];
  const cluster = {
    findGroupCoordinator: async (): Promise<GroupCoordinator> => ({
      ...coordinator(),
      offsetCommit: async (payload) => void sent.push(payload),
    }),
    findBroker: async () => coordinator(),
  };
  hookGroupCoordinator(cluster, 'savers', {
    beforeJoin: async () => undefined,
    isWanted: () => true,
    joined: () => undefined,
    outOfRange: async (partition) => outOfRange(partition),
    afterFailure: async () => undefined,
  });
  const found = await (cluster.findGroupCoordinator as FindCoordinator)({ groupId: 'savers' });
  return { sent, found };
}

const commitOf = (offset: string) => ({
  groupId: 'savers',
  groupGenerationId: 7,
  memberId: 'member',
  topics: [{ topic: 'orders', partitions: [{ partition: 3, offset }] }],
});

describe('the hook before a reset', () => {
  it('lets commits pass as they are', async () => {
    const { sent, found } = await committing(() => undefined);
    await found.offsetCommit(commitOf('7'));
    expect(sent).toEqual([commitOf('7')]);
  });

  it('sends nothing when the position is to stay', async () => {
    const asked: TopicPartition[] = [];
    const { sent, found } = await committing((partition) => void asked.push(partition));
    await found.offsetCommit(commitOf('-2'));
    expect({ asked, sent }).toEqual({ asked: [{ topic: 'orders', partition: 3 }], sent: [] });
  });

  it('commits the offset that it is told to go on at', async () => {
    const { sent, found } = await committing(() => 42);
    await found.offsetCommit(commitOf('-2'));
    expect(sent).toEqual([commitOf('42')]);
  });
});
