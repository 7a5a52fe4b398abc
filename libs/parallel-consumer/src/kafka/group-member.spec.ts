import { describe, expect, it } from '@jest/globals';
import { FIND_COORDINATOR, HEARTBEAT, JOIN_GROUP, LEAVE_GROUP, SYNC_GROUP } from '../protocol/group-requests.js';
import { KafkaError } from '../protocol/kafka-error.js';
import { settle } from '@orders-pipeline/clock/testing';
import { assignment, createMember, error, idRequired, joinedAs, ok, unreachable } from './testing/scripted-member.js';

describe('GroupMember', () => {
  it('joins under the id that the coordinator assigns, and sends heartbeats', async () => {
    const { member, connections, clock, calls } = createMember();
    connections.answer(JOIN_GROUP, idRequired, joinedAs(5));
    member.join();
    await clock.advance(3_500);
    expect(connections.made(JOIN_GROUP).map(({ memberId }) => memberId)).toEqual(['', 'm']);
    expect(calls).toEqual([['assigned', false]]);
    expect(member.joined).toBe(true);
    expect(connections.made(HEARTBEAT)).toHaveLength(3);
    await member.leave();
  });

  it('reports why it can not join, until it has joined', async () => {
    const { member, connections, clock } = createMember();
    const denied = error('GROUP_AUTHORIZATION_FAILED');
    connections.answer(FIND_COORDINATOR, denied, () => 1);
    member.join();
    await settle();
    expect([member.joined, member.joinFailure]).toEqual([false, 'spec failed: GROUP_AUTHORIZATION_FAILED']);
    await clock.advance(500);
    expect([member.joined, member.joinFailure]).toEqual([true, undefined]);
    await member.leave();
  });

  it('keeps its partitions in the next generation', async () => {
    const { member, connections, clock, calls } = createMember();
    connections.answer(JOIN_GROUP, joinedAs(5), joinedAs(6)).answer(HEARTBEAT, error('REBALANCE_IN_PROGRESS'), ok);
    member.join();
    await clock.advance(2_500);
    expect(calls).toEqual([['assigned', false], 'rebalancing', ['assigned', true]]);
    await member.leave();
  });

  it('keeps no partitions after it missed a generation: another member may have worked on them', async () => {
    const { member, connections, clock, calls } = createMember();
    connections
      .answer(JOIN_GROUP, joinedAs(5), joinedAs(6), joinedAs(7))
      .answer(SYNC_GROUP, assignment, error('REBALANCE_IN_PROGRESS'), assignment)
      .answer(HEARTBEAT, error('REBALANCE_IN_PROGRESS'), ok);
    member.join();
    await clock.advance(2_500);
    expect(calls).toEqual([['assigned', false], 'rebalancing', ['assigned', false]]);
    await member.leave();
  });

  it.each([
    ['its session timed out', 'UNKNOWN_MEMBER_ID', ['', '']],
    ['its generation ended', 'ILLEGAL_GENERATION', ['', 'm']],
  ])('loses its partitions and rejoins when %s', async (_what, code, ids) => {
    const { member, connections, clock, calls } = createMember();
    connections.answer(JOIN_GROUP, joinedAs(5), joinedAs(6)).answer(HEARTBEAT, error(code), ok);
    member.join();
    await clock.advance(2_500);
    expect(calls).toEqual([['assigned', false], 'lost', ['assigned', false]]);
    expect(connections.made(JOIN_GROUP).map(({ memberId }) => memberId)).toEqual(ids);
    await member.leave();
  });

  it('stays a member while its coordinator is unreachable or moves, and continues with the new one', async () => {
    const { member, connections, clock, calls } = createMember();
    connections
      .answer(
        FIND_COORDINATOR,
        () => 1,
        () => new Error('connect ECONNREFUSED'),
        () => 2,
      )
      .answer(HEARTBEAT, () => new Error('closed'), ok);
    member.join();
    await clock.advance(4_500);
    expect(calls).toEqual([['assigned', false]]);
    expect(member.membership).toMatchObject({ generationId: 5, coordinator: 2 });
    await member.leave();
  });

  it('sends heartbeats while the old generation drains, however long that takes', async () => {
    const drained = Promise.withResolvers<void>();
    const { member, connections, clock, calls } = createMember(async () => drained.promise);
    connections.answer(JOIN_GROUP, joinedAs(5), joinedAs(6)).answer(HEARTBEAT, error('REBALANCE_IN_PROGRESS'));
    member.join();
    await clock.advance(15_500);
    expect(connections.made(HEARTBEAT)).toHaveLength(15);
    expect(member.membership?.generationId).toBe(5);
    connections.answer(HEARTBEAT, ok);
    drained.resolve();
    await settle();
    expect(calls.at(-1)).toEqual(['assigned', true]);
    await member.leave();
  });

  it('retries without limit while no coordinator can be found', async () => {
    const { member, connections, clock, calls } = createMember();
    connections.answer(FIND_COORDINATOR, ...Array.from({ length: 50 }, () => unreachable), () => 1);
    member.join();
    await clock.advance(60_000);
    expect(calls).toEqual([['assigned', false]]);
    await member.leave();
  });

  it('leaves during its first join, under the id that it was assigned for it', async () => {
    const { member, connections, calls } = createMember();
    const parked = Promise.withResolvers<ReturnType<ReturnType<typeof joinedAs>>>();
    connections
      .answer(JOIN_GROUP, idRequired, async () => parked.promise)
      .answer(LEAVE_GROUP, () => {
        parked.reject(new KafkaError('UNKNOWN_MEMBER_ID', 'JoinGroup'));
        return undefined;
      });
    member.join();
    await settle();
    await member.leave();
    expect(connections.made(LEAVE_GROUP)).toEqual([{ groupId: 'savers', memberId: 'm' }]);
    expect(calls).toEqual([]);
    expect(member.joined).toBe(false);
  });

  it('leaves under a member id that arrives after the call of leave', async () => {
    const { member, connections } = createMember();
    const first = Promise.withResolvers<ReturnType<ReturnType<typeof joinedAs>>>();
    connections.answer(JOIN_GROUP, async () => first.promise);
    member.join();
    await settle();
    const left = member.leave();
    first.resolve(idRequired());
    await left;
    expect(connections.made(JOIN_GROUP)).toHaveLength(1);
    expect(connections.made(LEAVE_GROUP)).toEqual([{ groupId: 'savers', memberId: 'm' }]);
  });

  it('joins the next generation when a rejoin is requested', async () => {
    const { member, connections, clock, calls } = createMember();
    connections.answer(JOIN_GROUP, joinedAs(5), joinedAs(6));
    member.join();
    await clock.advance(500);
    member.rejoin();
    await settle();
    expect(calls).toEqual([['assigned', false], 'rebalancing', ['assigned', true]]);
    await clock.advance(5_000);
    expect(calls).toHaveLength(3);
    await member.leave();
  });

  it('reports a loss during a drain at once, and joins again only after the drain has ended', async () => {
    const drained = Promise.withResolvers<void>();
    const { member, connections, clock, calls } = createMember(async () => drained.promise);
    connections
      .answer(JOIN_GROUP, joinedAs(5), joinedAs(6))
      .answer(HEARTBEAT, error('REBALANCE_IN_PROGRESS'), error('UNKNOWN_MEMBER_ID'), ok);
    member.join();
    await clock.advance(5_000);
    expect(calls).toEqual([['assigned', false], 'rebalancing', 'lost']);
    drained.resolve();
    await settle();
    expect(calls).toEqual([['assigned', false], 'rebalancing', 'lost', ['assigned', false]]);
    await member.leave();
  });

  it('retries to leave at the new coordinator', async () => {
    const { member, connections } = createMember();
    connections
      .answer(
        FIND_COORDINATOR,
        () => 1,
        () => 2,
      )
      .answer(LEAVE_GROUP, (_request, node) => (node === 1 ? new KafkaError('NOT_COORDINATOR', 'spec') : undefined));
    member.join();
    await settle();
    await member.leave();
    expect(connections.requests.findLast(({ api }) => api === LEAVE_GROUP.name)?.node).toBe(2);
  });
});
