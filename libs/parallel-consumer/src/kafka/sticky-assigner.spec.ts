import { describe, expect, it } from '@jest/globals';
import { decodeAssignment, encodeSubscription } from '../protocol/consumer-protocol.js';
import { stickyAssignor, type Ownership } from './sticky-assigner.js';

const PARTITIONS: Readonly<Record<string, number>> = { orders: 3, payments: 2 };

/** Assigns partitions to members as the group leader does. */
async function assign(members: readonly { readonly memberId: string; readonly subscription: Buffer }[]) {
  const asked: string[] = [];
  const assignor = stickyAssignor(
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

function member(memberId: string, topics: readonly string[], owned: Ownership['owned'] = {}) {
  const userData = Buffer.from(JSON.stringify({ since: 1, owned }));
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

  it('gives nothing to a member whose subscription is unreadable, and all to the others', async () => {
    const { of } = await assign([{ memberId: 'broken', subscription: Buffer.from([0]) }, member('a', ['orders'])]);
    expect(of('broken')).toEqual({});
    expect(of('a')).toEqual({ orders: [0, 1, 2] });
  });
});
