import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { balancePartitions, type MemberClaim } from './balance-partitions.js';

const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `t-${index}`);

const groups = fc
  .record({
    partitions: fc.nat(30),
    members: fc.uniqueArray(fc.record({ id: fc.string({ minLength: 1 }), since: fc.nat(3) }), {
      minLength: 1,
      maxLength: 8,
      selector: ({ id }) => id,
    }),
    claims: fc.array(fc.array(fc.nat(35), { maxLength: 20 }), { minLength: 8, maxLength: 8 }),
  })
  .map(({ partitions, members, claims }) => ({
    partitions: names(partitions),
    members: members.map(({ id, since }, index): MemberClaim => ({
      id,
      owned: [...new Set(claims[index])].map((each) => `t-${each}`),
      claimedGeneration: since,
    })),
  }));

/** Returns the members after an assignment, all with the same assignment time. */
function membersAfter(assignment: ReadonlyMap<string, readonly string[]>, claimedGeneration: number): MemberClaim[] {
  return [...assignment].map(([id, owned]) => ({ id, owned, claimedGeneration }));
}

function countMoved(
  before: ReadonlyMap<string, readonly string[]>,
  now: ReadonlyMap<string, readonly string[]>,
): number {
  let count = 0;
  for (const [id, owned] of now) count += owned.filter((name) => before.get(id)?.includes(name) !== true).length;
  return count;
}

describe('balancePartitions', () => {
  it('assigns every partition to exactly one member, with counts that differ by at most one', () => {
    const property = fc.property(groups, ({ members, partitions }) => {
      const assignment = balancePartitions(members, partitions);
      const counts = members.map(({ id }) => assignment.get(id)?.length ?? 0);
      expect([...assignment.values()].flat().toSorted()).toEqual(partitions.toSorted());
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    });
    fc.assert(property, { numRuns: 500 });
  });

  it('moves nothing when nothing has changed, in any order of members and partitions', () => {
    const property = fc.property(groups, ({ members, partitions }) => {
      const before = balancePartitions(members, partitions);
      const now = balancePartitions(membersAfter(before, 1).toReversed(), partitions.toReversed());
      expect(countMoved(before, now)).toBe(0);
    });
    fc.assert(property, { numRuns: 300 });
  });

  it('moves only its own share to a joining member', () => {
    const property = fc.property(groups, ({ members, partitions }) => {
      const before = balancePartitions(members, partitions);
      const joined = [...membersAfter(before, 1), { id: '', owned: [], claimedGeneration: 0 }];
      const now = balancePartitions(joined, partitions);
      expect(countMoved(before, now)).toBe(now.get('')?.length ?? 0);
    });
    fc.assert(property, { numRuns: 300 });
  });

  it('moves only the partitions of a leaving member', () => {
    const property = fc.property(groups, ({ members, partitions }) => {
      fc.pre(members.length > 1);
      const before = balancePartitions(members, partitions);
      const [left, ...staying] = membersAfter(before, 1);
      expect(countMoved(before, balancePartitions(staying, partitions))).toBe(left?.owned.length ?? 0);
    });
    fc.assert(property, { numRuns: 300 });
  });

  it('accepts the later of two claims: the other member was out of the group in between', () => {
    const stale = { id: 'a', owned: ['t-0', 't-1'], claimedGeneration: 1 };
    const owner = { id: 'b', owned: ['t-0', 't-1'], claimedGeneration: 2 };
    const assignment = balancePartitions([stale, owner], ['t-0', 't-1', 't-2', 't-3']);
    expect(assignment.get('b')).toEqual(['t-0', 't-1']);
  });
});
