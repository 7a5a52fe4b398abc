import type { Clock } from '@orders-pipeline/clock';
import { partitionName, type TopicPartition } from '../broker/broker.js';
import { decodeAssignment } from '../protocol/consumer-protocol.js';
import type { GroupMembership, JoinRequest, JoinResponse, SyncRequest } from '../protocol/group-requests.js';
import { KafkaError } from '../protocol/kafka-error.js';
import type {
  CommitRequest,
  CommittedOffset,
  OffsetFetchRequest,
  RejectedOffset,
} from '../protocol/offset-requests.js';

/** A request that is answered later. */
interface Parked<T> {
  readonly answer: (response: T) => void;
  readonly fail: (error: KafkaError) => void;
}

interface Member {
  readonly id: string;
  subscription: Buffer;
  sessionTimeoutMs: number;
  rebalanceTimeoutMs: number;
  assignment: Buffer;
  joining: Parked<JoinResponse> | undefined;
  syncing: Parked<Buffer> | undefined;
  cancelSession: () => void;
}

/** What survives a change of the coordinator: the group as of its last complete assignment. */
interface Persisted {
  readonly generation: number;
  readonly leaderId: string;
  readonly members: readonly Pick<
    Member,
    'id' | 'subscription' | 'sessionTimeoutMs' | 'rebalanceTimeoutMs' | 'assignment'
  >[];
}

const MEMBER_ID_REQUIRED = 79;
const NOTHING = Buffer.alloc(0);
const NO_PERSISTED: Persisted = { generation: 0, leaderId: '', members: [] };

/**
 * A consumer group as Kafka's coordinator keeps it (classic protocol): generations, sessions, and rebalances that wait for all members up to their
 * rebalance timeout. Commits are checked as the coordinator does, no better.
 */
export class SimulatedGroup {
  /** Committed positions, by partition. */
  readonly positions = new Map<string, CommittedOffset>();
  /** Commits of a member for a partition that is assigned to another one. */
  readonly strayCommits: string[] = [];
  private state: 'empty' | 'preparing' | 'completing' | 'stable' = 'empty';
  private generation = 0;
  private leaderId = '';
  private members = new Map<string, Member>();
  private readonly promisedIds = new Set<string>();
  private readonly owners = new Map<string, string>();
  private persisted = NO_PERSISTED;
  private ids = 0;
  private cancelTimer = (): void => undefined;

  /** @param clock of the coordinator */
  constructor(private readonly clock: Clock) {}

  get memberIds(): string[] {
    return [...this.members.keys()];
  }

  /** Returns the member to which the group has assigned the partition last. */
  ownerOf(partition: TopicPartition): string | undefined {
    return this.owners.get(partitionName(partition));
  }

  async join(request: JoinRequest): Promise<JoinResponse> {
    const { memberId } = request;
    if (memberId === '') {
      this.ids += 1;
      const promised = `member-${String(this.ids).padStart(4, '0')}`;
      this.promisedIds.add(promised);
      return this.joined(promised, MEMBER_ID_REQUIRED);
    }
    const known = this.members.get(memberId);
    if (known === undefined && !this.promisedIds.has(memberId)) throw new KafkaError('UNKNOWN_MEMBER_ID', 'JoinGroup');
    const isUnchanged = known !== undefined && known.subscription.equals(request.subscription);
    // The member has not received the answer to its last join.
    if (this.state === 'completing' && isUnchanged) return this.joined(memberId, 0);
    if (this.state === 'stable' && isUnchanged && memberId !== this.leaderId) return this.joined(memberId, 0);
    this.promisedIds.delete(memberId);
    const { promise, resolve, reject } = Promise.withResolvers<JoinResponse>();
    const member = known ?? this.added(request);
    Object.assign(member, {
      subscription: request.subscription,
      sessionTimeoutMs: request.sessionTimeoutMs,
      rebalanceTimeoutMs: request.rebalanceTimeoutMs,
      joining: { answer: resolve, fail: reject },
    });
    if (this.state !== 'preparing') this.rebalance();
    this.completeWhenAllJoined();
    return promise;
  }

  async sync({ memberId, generationId, assignments }: SyncRequest): Promise<Buffer> {
    const member = this.memberOf({ memberId, generationId }, 'SyncGroup');
    if (this.state === 'preparing') throw new KafkaError('REBALANCE_IN_PROGRESS', 'SyncGroup');
    this.keepAlive(member);
    if (this.state === 'stable') return member.assignment;
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    member.syncing = { answer: resolve, fail: reject };
    if (memberId === this.leaderId) this.assign(assignments);
    return promise;
  }

  heartbeat(membership: Pick<GroupMembership, 'memberId' | 'generationId'>): void {
    this.keepAlive(this.memberOf(membership, 'Heartbeat'));
    if (this.state === 'preparing') throw new KafkaError('REBALANCE_IN_PROGRESS', 'Heartbeat');
  }

  leave(memberId: string): void {
    if (!this.members.has(memberId)) throw new KafkaError('UNKNOWN_MEMBER_ID', 'LeaveGroup');
    this.remove(memberId);
  }

  commit({ topics, ...membership }: CommitRequest): readonly RejectedOffset[] {
    const { id } = this.memberOf(membership, 'OffsetCommit');
    if (this.state === 'completing') throw new KafkaError('REBALANCE_IN_PROGRESS', 'OffsetCommit');
    for (const [topic, partitions] of topics)
      for (const { partition, offset, leaderEpoch, metadata } of partitions) {
        const name = partitionName({ topic, partition });
        if ((this.owners.get(name) ?? id) !== id) this.strayCommits.push(name);
        this.positions.set(name, { topic, partition, offset, leaderEpoch, metadata });
      }
    return [];
  }

  committed({ topics }: OffsetFetchRequest): CommittedOffset[] {
    return [...topics].flatMap(([topic, partitions]) =>
      partitions.map((partition) => {
        const nothing = { topic, partition, offset: -1, leaderEpoch: -1, metadata: '' };
        return this.positions.get(partitionName({ topic, partition })) ?? nothing;
      }),
    );
  }

  /** Begins a rebalance, unless one is in progress. */
  rebalance(): void {
    if (this.state === 'preparing') return;
    for (const member of this.members.values()) {
      member.syncing?.fail(new KafkaError('REBALANCE_IN_PROGRESS', 'SyncGroup'));
      member.syncing = undefined;
    }
    this.state = 'preparing';
    this.cancelTimer();
    const waitMs = Math.max(0, ...[...this.members.values()].map(({ rebalanceTimeoutMs }) => rebalanceTimeoutMs));
    this.cancelTimer = this.clock.after(waitMs, () => this.completeJoin());
  }

  /** Another node becomes the coordinator: it knows the last complete assignment, and all sessions begin anew. Parked requests get no answer. */
  move(): void {
    this.cancelTimer();
    for (const { cancelSession } of this.members.values()) cancelSession();
    const { generation, leaderId, members } = this.persisted;
    this.generation = generation;
    this.leaderId = leaderId;
    this.members = new Map();
    this.promisedIds.clear();
    for (const each of members) {
      const member = { ...each, joining: undefined, syncing: undefined, cancelSession: () => undefined };
      this.members.set(each.id, member);
      this.keepAlive(member);
    }
    this.state = members.length === 0 ? 'empty' : 'stable';
  }

  private added({ memberId: id, subscription, sessionTimeoutMs, rebalanceTimeoutMs }: JoinRequest): Member {
    const rest = { assignment: NOTHING, joining: undefined, syncing: undefined, cancelSession: () => undefined };
    const member = { id, subscription, sessionTimeoutMs, rebalanceTimeoutMs, ...rest };
    this.members.set(id, member);
    return member;
  }

  private memberOf(
    { memberId, generationId }: Pick<GroupMembership, 'memberId' | 'generationId'>,
    api: string,
  ): Member {
    const member = this.members.get(memberId);
    if (member === undefined) throw new KafkaError('UNKNOWN_MEMBER_ID', api);
    if (generationId !== this.generation) throw new KafkaError('ILLEGAL_GENERATION', api);
    return member;
  }

  private keepAlive(member: Member): void {
    member.cancelSession();
    member.cancelSession = this.clock.after(member.sessionTimeoutMs, () => {
      // A member whose request is parked is waiting for the group, not silent.
      if (member.joining === undefined && member.syncing === undefined && this.members.get(member.id) === member)
        this.remove(member.id);
    });
  }

  private remove(memberId: string): void {
    const member = this.members.get(memberId);
    this.members.delete(memberId);
    member?.cancelSession();
    member?.joining?.fail(new KafkaError('UNKNOWN_MEMBER_ID', 'JoinGroup'));
    member?.syncing?.fail(new KafkaError('UNKNOWN_MEMBER_ID', 'SyncGroup'));
    this.rebalance();
    this.completeWhenAllJoined();
  }

  private completeWhenAllJoined(): void {
    if (this.state !== 'preparing') return;
    if ([...this.members.values()].every(({ joining }) => joining !== undefined)) this.completeJoin();
  }

  /** Begins the next generation with the members that have joined; the others are expelled. */
  private completeJoin(): void {
    this.cancelTimer();
    for (const [id, { joining, cancelSession }] of this.members)
      if (joining === undefined) {
        cancelSession();
        this.members.delete(id);
      }
    this.generation += 1;
    const [first] = this.members.keys();
    if (first === undefined) {
      this.state = 'empty';
      this.persisted = { generation: this.generation, leaderId: '', members: [] };
      return;
    }
    if (!this.members.has(this.leaderId)) this.leaderId = first;
    this.state = 'completing';
    for (const member of this.members.values()) {
      this.keepAlive(member);
      member.joining?.answer(this.joined(member.id, 0));
      member.joining = undefined;
    }
    const waitMs = Math.max(...[...this.members.values()].map(({ rebalanceTimeoutMs }) => rebalanceTimeoutMs));
    this.cancelTimer = this.clock.after(waitMs, () => {
      for (const { id, syncing } of this.members.values()) if (syncing === undefined) this.remove(id);
    });
  }

  private assign(assignments: ReadonlyMap<string, Buffer>): void {
    this.cancelTimer();
    this.state = 'stable';
    for (const member of this.members.values()) {
      member.assignment = assignments.get(member.id) ?? NOTHING;
      for (const [topic, partitions] of Object.entries(decodeAssignment(member.assignment)))
        for (const partition of partitions) this.owners.set(partitionName({ topic, partition }), member.id);
    }
    for (const member of this.members.values()) {
      this.keepAlive(member);
      member.syncing?.answer(member.assignment);
      member.syncing = undefined;
    }
    const members = [...this.members.values()].map(
      ({ id, subscription, sessionTimeoutMs, rebalanceTimeoutMs, assignment }) => ({
        id,
        subscription,
        sessionTimeoutMs,
        rebalanceTimeoutMs,
        assignment,
      }),
    );
    this.persisted = { generation: this.generation, leaderId: this.leaderId, members };
  }

  private joined(memberId: string, errorCode: number): JoinResponse {
    const { generation, leaderId } = this;
    const members = [...this.members.values()].map(({ id, subscription }) => ({ memberId: id, subscription }));
    const isLeader = errorCode === 0 && memberId === leaderId;
    return { errorCode, generationId: generation, protocol: '', leaderId, memberId, members: isLeader ? members : [] };
  }
}
