import { describe, expect, it } from '@jest/globals';
import { settle, type ManualClock } from '@orders-pipeline/clock/testing';
import { FIND_COORDINATOR, HEARTBEAT, JOIN_GROUP, SYNC_GROUP } from '../protocol/group-requests.js';
import type { GroupMember } from './group-member.js';
import { assignment, createMember, error, joinedAs, ok } from './testing/scripted-member.js';

/** The coordinator of these specs has a session of 10 s, a rebalance timeout of 20 s, and heartbeats each second. */
const CONTACT_LIMIT_MS = 3_000;
const LEASE_MS = 9_500;
const unanswered = async (): Promise<never> => new Promise(() => undefined);

const PROTOCOLS = ['eager', 'cooperative'] as const;
const memberOf = (rebalancing: (typeof PROTOCOLS)[number]) =>
  createMember(undefined, rebalancing === 'cooperative' ? async () => false : undefined);
/** Waits by the clock for an answer that a join may not get. */
async function leaving(member: GroupMember, clock: ManualClock): Promise<void> {
  const left = member.leave();
  await clock.advance(5_000);
  await left;
}
const losses = (calls: readonly unknown[]): number => calls.filter((call) => call === 'lost').length;

describe.each(PROTOCOLS)('the lease of a member of a group with %s rebalancing', (rebalancing) => {
  it('ends less than a session timeout after the last answered heartbeat was sent, and nothing starts long before', async () => {
    const { member, connections, clock, calls } = memberOf(rebalancing);
    connections.answer(HEARTBEAT, ok, unanswered);
    member.join();
    await clock.advance(1_000);
    const sentAt = clock.now();
    expect(member.lease.startsUntil).toBe(sentAt + CONTACT_LIMIT_MS);
    await clock.advance(LEASE_MS - 1);
    expect([losses(calls), member.lease.startsUntil]).toEqual([0, sentAt + CONTACT_LIMIT_MS]);
    await clock.advance(1);
    expect(losses(calls)).toBe(1);
    expect(member.lease.startsUntil).toBe(Number.NEGATIVE_INFINITY);
    expect(member.membership).toBeUndefined();
    await leaving(member, clock);
  });

  it('counts from when a heartbeat was sent, however late its answer arrives', async () => {
    const { member, connections, clock } = memberOf(rebalancing);
    const answer = Promise.withResolvers<void>();
    connections.answer(HEARTBEAT, async () => answer.promise, unanswered);
    member.join();
    await clock.advance(3_500);
    answer.resolve();
    await settle();
    expect(member.lease.startsUntil).toBe(1_000 + CONTACT_LIMIT_MS);
    await leaving(member, clock);
  });

  it.each(['ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID'])('is not renewed by the answer %s', async (code) => {
    const { member, connections, clock } = memberOf(rebalancing);
    connections
      .answer(JOIN_GROUP, joinedAs(5), unanswered)
      .answer(HEARTBEAT, error('REBALANCE_IN_PROGRESS'), error(code));
    member.join();
    await clock.advance(1_000);
    await clock.advance(1_500);
    expect(member.lease.startsUntil).toBeLessThanOrEqual(1_000 + CONTACT_LIMIT_MS);
    await leaving(member, clock);
  });

  it('is renewed while a rebalance is in progress, for one rebalance timeout', async () => {
    const { member, connections, clock, calls } = memberOf(rebalancing);
    connections.answer(JOIN_GROUP, joinedAs(5), unanswered).answer(HEARTBEAT, ok, error('REBALANCE_IN_PROGRESS'));
    member.join();
    await clock.advance(1_000 + 19_999);
    expect(losses(calls)).toBe(0);
    await clock.advance(1);
    expect(losses(calls)).toBe(1);
    await leaving(member, clock);
  });

  it('goes on between the answers of JoinGroup and SyncGroup, by heartbeats of the new generation', async () => {
    const { member, connections, clock, calls } = memberOf(rebalancing);
    connections
      .answer(JOIN_GROUP, joinedAs(5), joinedAs(6))
      .answer(SYNC_GROUP, assignment, unanswered)
      .answer(HEARTBEAT, ({ generationId }) => {
        if (generationId === 6 || clock.now() < 2_000) return undefined;
        return error(connections.made(JOIN_GROUP).length < 2 ? 'REBALANCE_IN_PROGRESS' : 'ILLEGAL_GENERATION')();
      });
    member.join();
    await clock.advance(2_000);
    await clock.advance(15_000);
    expect(losses(calls)).toBe(0);
    expect(member.lease.startsUntil).toBeGreaterThan(clock.now());
    await clock.advance(10_000);
    expect(losses(calls)).toBe(1);
    await leaving(member, clock);
  });

  it('begins when the SyncGroup was sent: after a slow answer, a heartbeat comes before the first start', async () => {
    const { member, connections, clock, calls } = memberOf(rebalancing);
    const synced = Promise.withResolvers<Buffer>();
    connections.answer(SYNC_GROUP, async () => synced.promise).answer(HEARTBEAT, unanswered);
    member.join();
    await clock.advance(CONTACT_LIMIT_MS);
    synced.resolve(assignment());
    await settle();
    expect(calls[0]).toEqual(['assigned', false]);
    expect(member.lease.startsUntil).toBeLessThanOrEqual(clock.now());
    connections.answer(HEARTBEAT, ok);
    await clock.advance(2 * CONTACT_LIMIT_MS);
    expect(member.lease.startsUntil).toBeGreaterThan(clock.now());
    await leaving(member, clock);
  });

  it('has ended after a pause of the process, although a heartbeat is answered before its timer runs', async () => {
    const { member, connections, clock, calls } = memberOf(rebalancing);
    const answer = Promise.withResolvers<void>();
    connections.answer(JOIN_GROUP, joinedAs(5), joinedAs(6)).answer(HEARTBEAT, async () => answer.promise, unanswered);
    member.join();
    await clock.advance(1_000);
    clock.pauseFor(30_000);
    expect(member.lease.startsUntil).toBeLessThan(clock.now());
    answer.resolve();
    await settle();
    expect(losses(calls)).toBe(1);
    await leaving(member, clock);
  });

  it('is not revived: the member joins anew, on another connection, and keeps nothing', async () => {
    const { member, connections, clock, calls, joinConnections } = memberOf(rebalancing);
    const late = Promise.withResolvers<ReturnType<ReturnType<typeof joinedAs>>>();
    connections
      .answer(JOIN_GROUP, joinedAs(5), async () => late.promise, joinedAs(7))
      .answer(HEARTBEAT, error('REBALANCE_IN_PROGRESS'), unanswered);
    member.join();
    await clock.advance(1_000 + LEASE_MS);
    expect(losses(calls)).toBe(1);
    await clock.advance(CONTACT_LIMIT_MS);
    late.resolve(joinedAs(6)());
    await settle();
    expect(calls.filter((call) => Array.isArray(call))).toEqual([
      ['assigned', false],
      ['assigned', false],
    ]);
    expect([member.membership?.generationId, joinConnections()]).toEqual([7, 2]);
    await leaving(member, clock);
  });

  it('ends once, although the group then answers that it does not know the member', async () => {
    const { member, connections, clock, calls } = memberOf(rebalancing);
    connections
      .answer(JOIN_GROUP, joinedAs(5), error('UNKNOWN_MEMBER_ID'), joinedAs(7, 'n'))
      .answer(HEARTBEAT, unanswered);
    member.join();
    await clock.advance(1_000 + LEASE_MS);
    connections.answer(HEARTBEAT, ok);
    await clock.advance(CONTACT_LIMIT_MS);
    expect([losses(calls), member.membership?.memberId]).toEqual([1, 'n']);
    await leaving(member, clock);
  });

  it('ends at once when the group has expelled the member during a join, which is given up', async () => {
    const { member, connections, clock, calls } = memberOf(rebalancing);
    connections
      .answer(JOIN_GROUP, joinedAs(5), unanswered, joinedAs(6, 'n'))
      .answer(HEARTBEAT, error('REBALANCE_IN_PROGRESS'), error('UNKNOWN_MEMBER_ID'), ok);
    member.join();
    await clock.advance(2_500);
    expect(losses(calls)).toBe(1);
    expect(connections.made(JOIN_GROUP).map(({ memberId }) => memberId)).toEqual(['', 'm', '']);
    expect(calls.findLast((call) => Array.isArray(call))).toEqual(['assigned', false]);
    await leaving(member, clock);
  });

  it('lasts when the coordinator moves during a join, which is sent again to the new one', async () => {
    const { member, connections, clock, calls } = memberOf(rebalancing);
    connections
      .answer(
        FIND_COORDINATOR,
        () => 1,
        () => 2,
      )
      .answer(JOIN_GROUP, joinedAs(5), unanswered, joinedAs(6))
      .answer(HEARTBEAT, error('REBALANCE_IN_PROGRESS'), error('NOT_COORDINATOR'), error('REBALANCE_IN_PROGRESS'), ok);
    member.join();
    await clock.advance(5_000);
    expect(losses(calls)).toBe(0);
    expect(connections.requests.flatMap(({ api, node }) => (api === JOIN_GROUP.name ? [node] : []))).toEqual([1, 1, 2]);
    expect(member.membership).toMatchObject({ generationId: 6, coordinator: 2 });
    await leaving(member, clock);
  });

  it('is looked after by heartbeats to another node when the coordinator is silent', async () => {
    const { member, connections, clock, calls } = memberOf(rebalancing);
    connections
      .answer(
        FIND_COORDINATOR,
        () => 1,
        () => 2,
      )
      .answer(HEARTBEAT, (_request, node) => (node === 1 ? (unanswered() as never) : undefined));
    member.join();
    await clock.advance(30_000);
    expect(losses(calls)).toBe(0);
    expect(member.membership?.coordinator).toBe(2);
    await leaving(member, clock);
  });

  it('lets an eager member start nothing from its JoinGroup on, and a cooperative one go on', async () => {
    const { member, connections, clock } = memberOf(rebalancing);
    const synced = Promise.withResolvers<Buffer>();
    connections
      .answer(JOIN_GROUP, joinedAs(5), joinedAs(6))
      .answer(SYNC_GROUP, assignment, async () => synced.promise)
      .answer(HEARTBEAT, error('REBALANCE_IN_PROGRESS'), ok);
    member.join();
    await clock.advance(4_000);
    expect(member.startsUntil > clock.now()).toBe(rebalancing === 'cooperative');
    synced.resolve(assignment());
    await clock.advance(1_500);
    expect(member.startsUntil).toBeGreaterThan(clock.now());
    await leaving(member, clock);
  });

  it('ignores the answer to a join that was given up while the membership went on', async () => {
    const { member, connections, clock, calls } = memberOf(rebalancing);
    const late = Promise.withResolvers<ReturnType<ReturnType<typeof joinedAs>>>();
    connections
      .answer(
        FIND_COORDINATOR,
        () => 1,
        () => 2,
      )
      .answer(JOIN_GROUP, joinedAs(5), async () => late.promise, unanswered)
      .answer(HEARTBEAT, error('REBALANCE_IN_PROGRESS'), error('NOT_COORDINATOR'), error('REBALANCE_IN_PROGRESS'));
    member.join();
    await clock.advance(5_000);
    late.resolve(joinedAs(6)());
    await clock.advance(1_000);
    expect([connections.made(SYNC_GROUP).length, losses(calls), member.membership?.generationId]).toEqual([1, 0, 5]);
    await leaving(member, clock);
  });

  it('is kept by heartbeats while joins end at once, as when a coordinator loads its groups', async () => {
    const { member, connections, clock, calls } = memberOf(rebalancing);
    connections
      .answer(JOIN_GROUP, joinedAs(5), error('COORDINATOR_LOAD_IN_PROGRESS'))
      .answer(HEARTBEAT, error('REBALANCE_IN_PROGRESS'), ok);
    member.join();
    await clock.advance(18_000);
    expect(losses(calls)).toBe(0);
    await leaving(member, clock);
  });

  it('sends no join after the member has left', async () => {
    const { member, connections, clock } = memberOf(rebalancing);
    const found = Promise.withResolvers<number>();
    connections.answer(FIND_COORDINATOR, async () => found.promise);
    member.join();
    await settle();
    await leaving(member, clock);
    found.resolve(1);
    await settle();
    expect(connections.made(JOIN_GROUP)).toEqual([]);
  });
});
