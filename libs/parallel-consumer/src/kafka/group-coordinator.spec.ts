import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { FIND_COORDINATOR, JOIN_GROUP, type JoinResponse } from '../protocol/group-requests.js';
import { GroupCoordinator } from './group-coordinator.js';
import { ScriptedConnections } from './testing/scripted-connections.js';

const JOINED: JoinResponse = {
  errorCode: 0,
  generationId: 5,
  protocol: 'sticky',
  leaderId: 'another',
  memberId: 'm',
  members: [],
};

function createCoordinator(connections: ScriptedConnections, connectForJoins = () => connections) {
  const clock = new ManualClock();
  const logged: [message: string, details: object][] = [];
  const log = (details: object, message: string): void => void logged.push([message, details]);
  const coordinator = new GroupCoordinator(
    { usual: connections, connectForJoins },
    {
      groupId: 'savers',
      topics: ['orders'],
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 20_000,
      assignor: { names: ['sticky'], userData: () => Buffer.alloc(0), assign: async () => new Map() },
      logger: { info: log, warn: log, error: log },
      clock,
    },
  );
  return { clock, coordinator, logged };
}

describe('the group coordinator', () => {
  it('logs once when the group delays a join, with the time that a crashed member can take', async () => {
    const { promise, resolve } = Promise.withResolvers<JoinResponse>();
    const connections = new ScriptedConnections().answer(FIND_COORDINATOR, () => 1).answer(JOIN_GROUP, () => promise);
    const { clock, coordinator, logged } = createCoordinator(connections);
    const joined = coordinator.join(await coordinator.find(), '');
    await clock.advance(3_000);
    expect(logged).toEqual([]);
    await clock.advance(6_000);
    expect(logged).toEqual([
      [
        expect.stringMatching(/still joining: the group waits for a crashed member/),
        { groupId: 'savers', sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 20_000 },
      ],
    ]);
    resolve(JOINED);
    expect(await joined).toEqual(JOINED);
  });

  it('joins over connections of their own, and over new ones after a join was given up', async () => {
    const usual = new ScriptedConnections().answer(FIND_COORDINATOR, () => 1);
    const forJoins: ScriptedConnections[] = [];
    const { coordinator } = createCoordinator(usual, () => {
      const connections = new ScriptedConnections().answer(JOIN_GROUP, () => JOINED);
      forJoins.push(connections);
      return connections;
    });
    for (let joins = 0; joins < 2; joins += 1) await coordinator.join(await coordinator.find(), 'm');
    await coordinator.discardJoin();
    await coordinator.join(1, 'm');
    expect(forJoins.map((each) => [each.made(JOIN_GROUP).length, each.isClosed])).toEqual([
      [2, true],
      [1, false],
    ]);
    expect(usual.made(JOIN_GROUP)).toEqual([]);
  });

  it('logs nothing about a join that the group does not delay', async () => {
    const { clock, coordinator, logged } = createCoordinator(
      new ScriptedConnections().answer(JOIN_GROUP, () => JOINED),
    );
    await coordinator.join(1, 'm');
    await clock.advance(60_000);
    expect(logged).toEqual([]);
  });
});
