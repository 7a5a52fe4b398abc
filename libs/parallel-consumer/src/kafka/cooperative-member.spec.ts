import { describe, expect, it } from '@jest/globals';
import { settle } from '@orders-pipeline/clock/testing';
import { HEARTBEAT, JOIN_GROUP, SYNC_GROUP } from '../protocol/group-requests.js';
import { assignment, createMember, error, joinedAs, ok, unreachable } from './testing/scripted-member.js';

describe('a member of a cooperative group', () => {
  it('does not drain before a rebalance, and stays a member meanwhile', async () => {
    const joined = Promise.withResolvers<ReturnType<ReturnType<typeof joinedAs>>>();
    const { member, connections, clock, calls } = createMember(undefined, async () => false);
    connections
      .answer(JOIN_GROUP, joinedAs(5), async () => joined.promise)
      .answer(HEARTBEAT, error('REBALANCE_IN_PROGRESS'), ok);
    member.join();
    await clock.advance(2_500);
    expect([connections.made(JOIN_GROUP).length, member.joined]).toEqual([2, true]);
    joined.resolve(joinedAs(6)());
    await clock.advance(10_000);
    expect(calls).toEqual([['assigned', false], 'surrender', ['assigned', true], 'surrender']);
    await member.leave();
  });

  it('joins again at once when it has surrendered partitions, with heartbeats while it drains them', async () => {
    const drained = Promise.withResolvers<boolean>();
    const answers = [drained.promise, Promise.resolve(false)];
    const { member, connections, clock, calls } = createMember(undefined, async () => answers.shift() ?? false);
    connections.answer(JOIN_GROUP, joinedAs(5), joinedAs(6));
    member.join();
    await clock.advance(8_500);
    expect([connections.made(HEARTBEAT).length, connections.made(JOIN_GROUP).length]).toEqual([8, 1]);
    drained.resolve(true);
    await settle();
    expect(calls).toEqual([['assigned', false], 'surrender', ['assigned', true], 'surrender']);
    await clock.advance(5_000);
    expect(connections.made(JOIN_GROUP)).toHaveLength(2);
    await member.leave();
  });

  it('sends heartbeats and stays in contact while the group waits for other members', async () => {
    const joined = Promise.withResolvers<ReturnType<ReturnType<typeof joinedAs>>>();
    const { member, connections, clock } = createMember(undefined, async () => false);
    connections
      .answer(JOIN_GROUP, joinedAs(5), async () => joined.promise)
      .answer(HEARTBEAT, error('REBALANCE_IN_PROGRESS'));
    member.join();
    await clock.advance(1_000);
    await clock.advance(8_000);
    expect(connections.made(HEARTBEAT)).toHaveLength(9);
    expect(member.coordinator.lastContactAt).toBe(clock.now());
    joined.resolve(joinedAs(6)());
    await settle();
    expect(member.membership?.generationId).toBe(6);
    await member.leave();
  });

  it('is not in contact while its coordinator does not answer, or does not know it', async () => {
    const { member, connections, clock } = createMember(undefined, async () => false);
    connections
      .answer(JOIN_GROUP, joinedAs(5), async () => new Promise(() => undefined))
      .answer(HEARTBEAT, error('REBALANCE_IN_PROGRESS'), unreachable, error('UNKNOWN_MEMBER_ID'));
    member.join();
    await clock.advance(1_000);
    const { lastContactAt } = member.coordinator;
    await clock.advance(5_000);
    expect(member.coordinator.lastContactAt).toBe(lastContactAt);
  });

  it('keeps its partitions after it missed an assignment: every leader has seen its claim', async () => {
    const { member, connections, clock, calls } = createMember(undefined, async () => false);
    connections
      .answer(JOIN_GROUP, joinedAs(5), joinedAs(6), joinedAs(7))
      .answer(SYNC_GROUP, assignment, error('REBALANCE_IN_PROGRESS'), assignment)
      .answer(HEARTBEAT, error('REBALANCE_IN_PROGRESS'), ok);
    member.join();
    await clock.advance(2_500);
    expect(calls).toEqual([['assigned', false], 'surrender', ['assigned', true], 'surrender']);
    await member.leave();
  });

  it('reports at once that the group has expelled it while it drains partitions', async () => {
    const drains = [new Promise<boolean>(() => undefined), Promise.resolve(false)];
    const { member, connections, clock, calls } = createMember(undefined, async () => drains.shift() ?? false);
    connections.answer(JOIN_GROUP, joinedAs(5), joinedAs(6)).answer(HEARTBEAT, error('UNKNOWN_MEMBER_ID'), ok);
    member.join();
    await clock.advance(1_000);
    expect(calls).toEqual([['assigned', false], 'surrender', 'lost', ['assigned', false], 'surrender']);
    await member.leave();
  });
});
