import { partitionName, type CommittedPosition, type TopicPartition } from '../broker/broker.js';
import { stickyAssignment } from '../kafka/sticky-assignment.js';

/** The callbacks of a group member. */
export interface GroupMember {
  readonly id: string;
  /** The same for all members of a group. */
  readonly topics: readonly string[];
  readonly owned: readonly TopicPartition[];
  /** Waits for the engine to drain. */
  prepareToJoin(): Promise<void>;
  /** @param missedGeneration whether the group had a generation without this member in between */
  assign(partitions: readonly TopicPartition[], missedGeneration: boolean): void;
  /** Called when there are new records to fetch. */
  wake(): void;
}

/** A consumer group of the fake Kafka. Each join or leave causes an eager rebalance; rebalances run one at a time. */
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
    await Promise.all(this.members.map((member) => member.prepareToJoin()));
    const absent = this.members.filter(({ id }) => this.missing.has(id));
    this.missing.clear();
    if (absent.length > 0)
      this.assign(
        this.members.filter((member) => !absent.includes(member)),
        new Set(),
      );
    this.rebalanceDue = false;
    this.assign(this.members, new Set(absent), forced);
  }

  private assign(
    members: readonly GroupMember[],
    returned: ReadonlySet<GroupMember>,
    forced?: readonly (readonly number[])[],
  ): void {
    this.generation += 1;
    this.joins += 1;
    const [first] = members;
    if (first === undefined) return;
    const [topic = ''] = first.topics;
    const partitions = new Map(
      first.topics.flatMap((each) => this.partitionsOf(each)).map((each) => [partitionName(each), each]),
    );
    const sticky = stickyAssignment(
      members.map(({ id, owned }) => ({ id, owned: owned.map(partitionName), ownedSince: this.joins })),
      [...partitions.keys()],
    );
    // A forced assignment for other members could assign one partition to two of them, which no group does.
    const owners = forced?.length === members.length ? forced : undefined;
    for (const [index, member] of members.entries()) {
      const own = owners?.[index]?.map((partition) => ({ topic, partition }));
      const names = sticky.get(member.id) ?? [];
      member.assign(own ?? names.flatMap((name) => partitions.get(name) ?? []), returned.has(member));
    }
  }

  private partitionsOf(topic: string): TopicPartition[] {
    return Array.from({ length: this.partitionCount(topic) }, (_, partition) => ({ topic, partition }));
  }
}
