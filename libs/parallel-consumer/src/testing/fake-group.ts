import { partitionName, type CommittedPosition, type TopicPartition } from '../broker/broker.js';
import type { Rebalancing } from '../kafka/owned-partitions.js';
import { balancePartitions } from '../kafka/balance-partitions.js';

/** The callbacks of a group member. */
export interface GroupMember {
  readonly id: string;
  /** The same for all members of a group. */
  readonly topics: readonly string[];
  readonly owned: readonly TopicPartition[];
  /** The same for all members of a group. */
  readonly rebalancing: Rebalancing;
  /** Waits for the engine to drain. */
  prepareToJoin(): Promise<void>;
  /** Waits for the engine to drain partitions, and drops them. */
  surrender(partitions: readonly TopicPartition[]): Promise<void>;
  /** @param missedGeneration whether the group had a generation without this member in between */
  assign(partitions: readonly TopicPartition[], missedGeneration: boolean): void;
  /** Called when there are new records to fetch. */
  wake(): void;
}

/** A consumer group of the fake Kafka. Each join or leave causes a rebalance; rebalances run one at a time. */
export class FakeGroup {
  generation = 0;
  /** True from the request of a rebalance until its end. */
  rebalanceDue = false;
  readonly positions = new Map<
    string,
    { readonly offset: number; readonly leaderEpoch: number | undefined; readonly metadata: string }
  >();
  /** Ids of members that miss the next generation and join the one after it. */
  readonly missing = new Set<string>();
  private members: GroupMember[] = [];
  private rebalances: Promise<void> = Promise.resolve();
  private joins = 0;

  constructor(private readonly partitionCount: (topic: string) => number) {}

  /** Number of members. */
  get size(): number {
    return this.members.length;
  }

  has(member: GroupMember): boolean {
    return this.members.includes(member);
  }

  async join(member: GroupMember): Promise<void> {
    this.members.push(member);
    await this.rebalance();
  }

  async leave(member: GroupMember): Promise<void> {
    this.members = this.members.filter((each) => each !== member);
    await this.rebalance();
  }

  /**
   * Rebalances the group.
   * @param forced partitions of the first topic for each member, in the order in which they joined. Without it, or when the number of members has
   * changed by then, the assignment is sticky.
   */
  async rebalance(forced?: readonly (readonly number[])[]): Promise<void> {
    this.rebalanceDue = true;
    this.rebalances = this.rebalances.then(() => this.rebalanceNow(forced));
    await this.rebalances;
  }

  committed({ topic, partition }: TopicPartition): Omit<CommittedPosition, 'from' | 'logId'> {
    const name = partitionName({ topic, partition });
    const { offset, leaderEpoch, metadata = '' } = this.positions.get(name) ?? { offset: undefined };
    return { topic, partition, offset, leaderEpoch, metadata };
  }

  wake(): void {
    for (const member of this.members) member.wake();
  }

  private async rebalanceNow(forced?: readonly (readonly number[])[]): Promise<void> {
    if (!this.isCooperative) await Promise.all(this.members.map((member) => member.prepareToJoin()));
    const absent = this.members.filter(({ id }) => this.missing.has(id));
    this.missing.clear();
    if (this.isCooperative) {
      if (absent.length > 0) await this.assignInRounds(this.targets(this.members), new Set(absent));
      this.rebalanceDue = false;
      return this.assignInRounds(this.targets(this.members, forced), new Set());
    }
    const present = this.members.filter((member) => !absent.includes(member));
    if (absent.length > 0) this.assign(present, new Set());
    this.rebalanceDue = false;
    this.assign(this.members, new Set(absent), forced);
  }

  private get isCooperative(): boolean {
    return this.members.some(({ rebalancing }) => rebalancing === 'cooperative');
  }

  private assign(
    members: readonly GroupMember[],
    returned: ReadonlySet<GroupMember>,
    forced?: readonly (readonly number[])[],
  ): void {
    this.generation += 1;
    for (const [member, target] of this.targets(members, forced)) member.assign(target, returned.has(member));
  }

  /**
   * Assigns at once what no other member owns. The rest moves in a second round, after its owners have surrendered it.
   * @param absent members that miss these assignments, but not the claims of their partitions
   */
  private async assignInRounds(
    targets: ReadonlyMap<GroupMember, readonly TopicPartition[]>,
    absent: ReadonlySet<GroupMember>,
  ): Promise<void> {
    this.generation += 1;
    const owners = new Map(
      this.members.flatMap((member) => member.owned.map((each) => [partitionName(each), member] as const)),
    );
    const surrendered: Promise<void>[] = [];
    for (const [member, target] of targets) {
      if (absent.has(member) || !this.has(member)) continue;
      const names = new Set(target.map(partitionName));
      const leaving = member.owned.filter((each) => !names.has(partitionName(each)));
      const free = target.filter((each) => (owners.get(partitionName(each)) ?? member) === member);
      member.assign([...free, ...leaving], false);
      if (leaving.length > 0) surrendered.push(member.surrender(leaving));
    }
    await Promise.all(surrendered);
    if (surrendered.length > 0) await this.assignInRounds(targets, absent);
  }

  private targets(
    members: readonly GroupMember[],
    forced?: readonly (readonly number[])[],
  ): Map<GroupMember, readonly TopicPartition[]> {
    this.joins += 1;
    const [first] = members;
    if (first === undefined) return new Map();
    const [topic = ''] = first.topics;
    const partitions = new Map(
      first.topics.flatMap((each) => this.partitionsOf(each)).map((each) => [partitionName(each), each]),
    );
    const balanced = balancePartitions(
      members.map(({ id, owned }) => ({ id, owned: owned.map(partitionName), claimedGeneration: this.joins })),
      [...partitions.keys()],
    );
    // A forced assignment for other members could assign one partition to two of them, which no group does.
    const owners = forced?.length === members.length ? forced : undefined;
    return new Map(
      members.map((member, index) => {
        const own = owners?.[index]?.map((partition) => ({ topic, partition }));
        return [member, own ?? (balanced.get(member.id) ?? []).flatMap((name) => partitions.get(name) ?? [])];
      }),
    );
  }

  private partitionsOf(topic: string): TopicPartition[] {
    return Array.from({ length: this.partitionCount(topic) }, (_, partition) => ({ topic, partition }));
  }
}
