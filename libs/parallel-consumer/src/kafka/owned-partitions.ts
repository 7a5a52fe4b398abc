import { partitionName, type TopicPartition } from '../broker/broker.js';
import type { PartitionsByTopic } from '../protocol/consumer-protocol.js';

/** How the partitions of a group move between its members. */
export type Rebalancing = 'eager' | 'cooperative';

/** The partitions that a member owns, as it reports them to the group leader: JSON in the protocol's user data. */
export interface Ownership {
  /** The generation of the group that assigned them. */
  readonly since: number;
  readonly owned: PartitionsByTopic;
}

/**
 * The partitions that a member owns, from one assignment to the next. In a cooperative group it owns those that an assignment takes away until it
 * has surrendered them: the leader gives them to their new owners only when no member claims them any more.
 */
export class OwnedPartitions {
  private claim: Ownership = { since: 0, owned: {} };
  private leaving: readonly TopicPartition[] = [];

  constructor(
    private readonly topics: readonly string[],
    private readonly rebalancing: Rebalancing,
  ) {}

  /** What this member reports to the leader. */
  get ownership(): Ownership {
    return this.claim;
  }

  /** Partitions that other members will get. */
  get surrendered(): readonly TopicPartition[] {
    return this.leaving;
  }

  /**
   * Notes an assignment.
   * @param generation of the group
   * @param kept whether no other member can have worked on the partitions owned so far
   * @returns all that are owned now
   */
  assign(assignment: PartitionsByTopic, generation: number, kept: boolean): readonly TopicPartition[] {
    const assigned = this.listed(assignment);
    const names = new Set(assigned.map(partitionName));
    const before = this.rebalancing === 'cooperative' && kept ? this.listed(this.claim.owned) : [];
    this.leaving = before.filter((each) => !names.has(partitionName(each)));
    this.claim = { since: generation, owned: assignment };
    return [...assigned, ...this.leaving];
  }

  /** Forgets the surrendered partitions. @returns all that are still owned */
  release(): readonly TopicPartition[] {
    this.leaving = [];
    return this.listed(this.claim.owned);
  }

  /** Forgets all, after the group has expelled this member. */
  clear(): void {
    this.leaving = [];
    this.claim = { since: 0, owned: {} };
  }

  private listed(partitions: PartitionsByTopic): TopicPartition[] {
    return this.topics.flatMap((topic) => (partitions[topic] ?? []).map((partition) => ({ topic, partition })));
  }
}
