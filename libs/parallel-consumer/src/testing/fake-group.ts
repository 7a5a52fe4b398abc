import type { CommittedPosition, TopicPartition } from '../kafka/broker.js';
import { stickyAssignment } from '../kafka/sticky-assignment.js';

/** What the group asks of a member. */
export interface GroupMember {
  readonly id: string;
  readonly topic: string;
  readonly owned: readonly number[];
  /** Ends its fetch under way and lets the engine drain. */
  prepareToJoin(): Promise<void>;
  assign(partitions: readonly number[]): void;
  /** There is something new to fetch. */
  wake(): void;
}

/** A consumer group of the fake Kafka: an eager rebalance whenever a member comes or goes, one after another. */
export class FakeGroup {
  generation = 0;
  /** Set from the moment that a rebalance is due until it is over: heartbeats throw. */
  rebalanceDue = false;
  readonly positions = new Map<string, { readonly offset: number; readonly metadata: string }>();
  private members: GroupMember[] = [];
  private rebalances: Promise<void> = Promise.resolve();
  private joins = 0;

  constructor(private readonly partitionsOf: (topic: string) => number) {}

  /** Members that are in the group. */
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

  /** @param forced partitions for each member, in the order that they joined; default, or when there are others by then: sticky */
  async rebalance(forced?: readonly (readonly number[])[]): Promise<void> {
    this.rebalanceDue = true;
    this.rebalances = this.rebalances.then(() => this.rebalanceNow(forced));
    await this.rebalances;
  }

  committed({ topic, partition }: TopicPartition): Omit<CommittedPosition, 'from'> {
    const { offset, metadata = '' } = this.positions.get(`${topic}-${partition}`) ?? { offset: undefined };
    return { topic, partition, offset, metadata };
  }

  wake(): void {
    for (const member of this.members) member.wake();
  }

  private async rebalanceNow(forced?: readonly (readonly number[])[]): Promise<void> {
    await Promise.all(this.members.map((member) => member.prepareToJoin()));
    this.generation += 1;
    this.joins += 1;
    this.rebalanceDue = false;
    const [first] = this.members;
    if (first === undefined) return;
    const names = Array.from({ length: this.partitionsOf(first.topic) }, (_, partition) => String(partition));
    const sticky = stickyAssignment(
      this.members.map(({ id, owned }) => ({ id, owned: owned.map(String), ownedSince: this.joins })),
      names,
    );
    // For other members than it was meant for, it would give a partition to two of them, which no group does.
    const owners = forced?.length === this.members.length ? forced : undefined;
    for (const [index, member] of this.members.entries())
      member.assign(owners?.[index] ?? (sticky.get(member.id) ?? []).map(Number));
  }
}
