/** A member of the group, with what it says that it had, and when it got that (milliseconds since 1970). */
export interface StickyMember {
  readonly id: string;
  /** Names of partitions, unique in the group's topics. */
  readonly owned: readonly string[];
  readonly ownedSince: number;
}

/**
 * Spreads partitions evenly, so that no member has more than one above another, and moves as few as that allows: each
 * that moves costs its new owner a look at what was committed, and repeats what its old one could not finish.
 * Where two members claim a partition, the later claim holds: the other member was out of the group meanwhile.
 * @returns the partitions of each member, by its id
 */
export function stickyAssignment(
  members: readonly StickyMember[],
  partitions: readonly string[],
): ReadonlyMap<string, readonly string[]> {
  const left = new Set(partitions);
  const kept = new Map<string, string[]>();
  const quota = Math.floor(partitions.length / members.length);
  // Some may have one more than the quota: first whoever has it already.
  let withOneMore = partitions.length - quota * members.length;
  const byClaim = members.toSorted((a, b) => b.ownedSince - a.ownedSince || compare(a.id, b.id));
  for (const { id, owned } of byClaim) {
    const claimed = owned.filter((name) => left.has(name));
    const mayHaveMore = claimed.length > quota && withOneMore > 0;
    if (mayHaveMore) withOneMore -= 1;
    const mine = claimed.slice(0, mayHaveMore ? quota + 1 : quota);
    for (const name of mine) left.delete(name);
    kept.set(id, mine);
  }
  const rest = [...left];
  for (const { id } of byClaim) {
    const mine = kept.get(id) ?? [];
    mine.push(...rest.splice(0, Math.max(0, quota - mine.length)));
  }
  // What still is left is one for each of as many members that have no more than the quota.
  for (const mine of kept.values()) if (mine.length === quota) mine.push(...rest.splice(0, 1));
  return kept;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
