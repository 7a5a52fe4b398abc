import { describe, expect, it } from '@jest/globals';
import { decodeAssignment, encodeSubscription } from '../protocol/consumer-protocol.js';
import type { Ownership, Rebalancing } from './owned-partitions.js';
import { stickyAssignor } from './sticky-assignor.js';

const PARTITIONS: Readonly<Record<string, number>> = { orders: 3, payments: 2 };

/** Assigns partitions to members as the group leader does. */
async function assign(
  members: readonly { readonly memberId: string; readonly subscription: Buffer }[],
  rebalancing: Rebalancing = 'eager',
) {
  const asked: string[] = [];
  const assignor = stickyAssignor(
    rebalancing,
    () => ({ since: 0, owned: {} }),
    async (topics) => {
      asked.push(...topics);
      return topics.flatMap((topic) =>
        Array.from({ length: PARTITIONS[topic] ?? 0 }, (_, partition) => ({ topic, partition })),
      );
    },
  );
  const assigned = await assignor.assign(members);
  return { asked, of: (memberId: string) => decodeAssignment(assigned.get(memberId) ?? Buffer.alloc(0)) };
}

function member(memberId: string, topics: readonly string[], owned: Ownership['owned'] = {}, since = 1) {
  const userData = Buffer.from(JSON.stringify({ since, owned }));
  return { memberId, subscription: encodeSubscription({ topics, userData }) };
}

describe('the sticky assignor', () => {
  it('divides the partitions of all topics evenly, and lets members keep theirs', async () => {
    const both = ['orders', 'payments'];
    const { of } = await assign([member('a', both, { orders: [2], payments: [0] }), member('b', both)]);
    expect(of('a')).toMatchObject({ orders: expect.arrayContaining([2]), payments: expect.arrayContaining([0]) });
    const counts = ['a', 'b'].map((name) => Object.values(of(name)).flat().length);
    expect(new Set(counts)).toEqual(new Set([2, 3]));
  });

  it('gives a member no partition of a topic that it does not read, as during an update that adds one', async () => {
    const { asked, of } = await assign([member('old', ['orders']), member('new', ['orders', 'payments'])]);
    expect(asked.toSorted()).toEqual(['orders', 'payments']);
    expect(of('old')['payments']).toBeUndefined();
    expect(of('new')['payments']).toEqual([0, 1]);
    expect(new Set([...(of('old')['orders'] ?? []), ...(of('new')['orders'] ?? [])])).toEqual(new Set([0, 1, 2]));
  });

  it('leaves a partition of a cooperative group to its owner, and to none while it moves', async () => {
    const all = { orders: [0, 1, 2] };
    const first = await assign([member('a', ['orders'], all), member('b', ['orders'])], 'cooperative');
    const kept = first.of('a')['orders'] ?? [];
    expect([kept.length, first.of('b')]).toEqual([2, {}]);
    const surrendered = { orders: kept };
    const second = await assign([member('a', ['orders'], surrendered), member('b', ['orders'])], 'cooperative');
    expect(second.of('a')).toEqual(surrendered);
    expect(second.of('b')['orders']).toHaveLength(1);
  });

  it('takes the latest claim in a cooperative group for that of the owner: the other member missed a generation', async () => {
    const members = [
      member('late', ['orders'], { orders: [0, 1] }, 4),
      member('owner', ['orders'], { orders: [0] }, 7),
    ];
    const { of } = await assign(members, 'cooperative');
    expect(of('owner')['orders']).toContain(0);
    expect(of('late')['orders']).toContain(1);
  });

  it('gives nothing to a member whose subscription is unreadable, and all to the others', async () => {
    const { of } = await assign([{ memberId: 'broken', subscription: Buffer.from([0]) }, member('a', ['orders'])]);
    expect(of('broken')).toEqual({});
    expect(of('a')).toEqual({ orders: [0, 1, 2] });
  });
});
