import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { stickyAssignment, type StickyMember } from './sticky-assignment.js';

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
    members: members.map(({ id, since }, index): StickyMember => ({
      id,
      owned: [...new Set(claims[index])].map((each) => `t-${each}`),
      ownedSince: since,
    })),
  }));

/** The members as they are after an assignment, all at the same time. */
function after(assignment: ReadonlyMap<string, readonly string[]>, ownedSince: number): StickyMember[] {
  return [...assignment].map(([id, owned]) => ({ id, owned, ownedSince }));
}

function moved(before: ReadonlyMap<string, readonly string[]>, now: ReadonlyMap<string, readonly string[]>): number {
  let count = 0;
  for (const [id, owned] of now) count += owned.filter((name) => before.get(id)?.includes(name) !== true).length;
  return count;
}

describe('the sticky assignment', () => {
  it('gives every partition to exactly one member, and no member more than one above another', () => {
    const property = fc.property(groups, ({ members, partitions }) => {
      const assignment = stickyAssignment(members, partitions);
      const counts = members.map(({ id }) => assignment.get(id)?.length ?? 0);
      expect([...assignment.values()].flat().toSorted()).toEqual(partitions.toSorted());
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    });
    fc.assert(property, { numRuns: 500 });
  });

  it('moves nothing when nothing has changed, in whatever order the members are told', () => {
    const property = fc.property(groups, ({ members, partitions }) => {
      const before = stickyAssignment(members, partitions);
      const now = stickyAssignment(after(before, 1).toReversed(), partitions.toReversed());
      expect(moved(before, now)).toBe(0);
    });
    fc.assert(property, { numRuns: 300 });
  });

  it('moves to one that joins no more than its share', () => {
    const property = fc.property(groups, ({ members, partitions }) => {
      const before = stickyAssignment(members, partitions);
      const joined = [...after(before, 1), { id: '', owned: [], ownedSince: 0 }];
      const now = stickyAssignment(joined, partitions);
      expect(moved(before, now)).toBe(now.get('')?.length ?? 0);
    });
    fc.assert(property, { numRuns: 300 });
  });

  it('moves from one that leaves only what it had', () => {
    const property = fc.property(groups, ({ members, partitions }) => {
      fc.pre(members.length > 1);
      const before = stickyAssignment(members, partitions);
      const [left, ...staying] = after(before, 1);
      expect(moved(before, stickyAssignment(staying, partitions))).toBe(left?.owned.length ?? 0);
    });
    fc.assert(property, { numRuns: 300 });
  });

  it('believes the later of two claims: the other member was out of the group meanwhile', () => {
    const stale = { id: 'a', owned: ['t-0', 't-1'], ownedSince: 1 };
    const owner = { id: 'b', owned: ['t-0', 't-1'], ownedSince: 2 };
    const assignment = stickyAssignment([stale, owner], ['t-0', 't-1', 't-2', 't-3']);
    expect(assignment.get('b')).toEqual(['t-0', 't-1']);
  });
});
