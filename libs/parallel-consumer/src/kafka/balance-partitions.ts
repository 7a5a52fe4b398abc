/** A member of the group and the partitions it claims to own. */
export interface MemberClaim {
  readonly id: string;
  /** Partition names, unique across the group's topics. */
  readonly owned: readonly string[];
  /** The generation of the group that assigned them. */
  readonly claimedGeneration: number;
}

/**
 * Assigns partitions evenly and moves as few as possible. Partition counts differ by at most one between members. Each moved
 * partition costs a read of its committed offset and repeats the records that its old owner could not finish.
 * When two members claim a partition, the later claim wins: the other member was out of the group in between.
 * @returns the partitions of each member, by member id
 */
export function balancePartitions(
  members: readonly MemberClaim[],
  partitions: readonly string[],
): ReadonlyMap<string, readonly string[]> {
  const left = new Set(partitions);
  const kept = new Map<string, string[]>();
  const quota = Math.floor(partitions.length / members.length);
  // Some members get one more than the quota; those that already own more come first.
  let withOneMore = partitions.length - quota * members.length;
  const byClaim = members.toSorted((a, b) => b.claimedGeneration - a.claimedGeneration || compare(a.id, b.id));
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
  // Each remaining partition goes to a different member that has exactly the quota.
  for (const mine of kept.values()) if (mine.length === quota) mine.push(...rest.splice(0, 1));
  return kept;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
