import { describe, expect, it } from '@jest/globals';
import { hookGroupCoordinator, type GroupCoordinator, type GroupMembership } from './group-coordinator.js';

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
    found: cluster.findGroupCoordinator as (group: { groupId: string }) => Promise<GroupCoordinator>,
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
