import { describe, expect, it } from '@jest/globals';
import { FakeGroup, type GroupMember } from './fake-group.js';

/** Creates a member that records its assignment of each generation. */
function createMember(id: string): GroupMember & { readonly assigned: (readonly number[])[] } {
  const assigned: (readonly number[])[] = [];
  return {
    id,
    topics: ['orders'],
    owned: [],
    rebalancing: 'eager',
    surrender: async () => undefined,
    prepareToJoin: async () => undefined,
    assign: (partitions) => void assigned.push(partitions.map(({ partition }) => partition)),
    wake: () => undefined,
    assigned,
  };
}

describe('a group of the fake Kafka', () => {
  it('assigns partitions as forced', async () => {
    const group = new FakeGroup(() => 2);
    const [a, b] = [createMember('a'), createMember('b')];
    await Promise.all([group.join(a), group.join(b)]);
    await group.rebalance([[], [0, 1]]);
    expect([a.assigned.at(-1), b.assigned.at(-1)]).toEqual([[], [0, 1]]);
  });

  it('never assigns a partition to two members, also when one joins before a forced assignment takes effect', async () => {
    const group = new FakeGroup(() => 2);
    const [a, b] = [createMember('a'), createMember('b')];
    await group.join(a);
    await Promise.all([group.rebalance([[0, 1]]), group.join(b)]);
    const given = a.assigned
      .slice(-2)
      .map((ofA, at) => [...ofA, ...(b.assigned.slice(-2)[at] ?? [])].toSorted((one, other) => one - other));
    expect(given).toEqual([
      [0, 1],
      [0, 1],
    ]);
  });
});
