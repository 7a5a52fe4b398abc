import { succeededWithin, type Clock } from '../clock.js';
import type { EngineLogger } from '../options.js';
import {
  FIND_COORDINATOR,
  HEARTBEAT,
  JOIN_GROUP,
  LEAVE_GROUP,
  SYNC_GROUP,
  type GroupMembership,
  type JoinResponse,
} from '../protocol/group-requests.js';
import { decodeAssignment, encodeSubscription, type PartitionsByTopic } from '../protocol/consumer-protocol.js';
import { isKafkaError, KafkaError, errorName } from '../protocol/kafka-error.js';
import type { KafkaConnections } from './kafka-connections.js';

/** How the partitions of a group are shared out. */
export interface Assignor {
  /** Names under which members agree on it; all mean the same to this one. */
  readonly names: readonly string[];
  /** What this member says of itself. */
  userData(): Buffer;
  /** For the leader. @returns each member's part, encoded */
  assign(members: JoinResponse['members']): Promise<ReadonlyMap<string, Buffer>>;
}

/** What happens to a membership. Calls don't overlap. */
export interface MembershipEvents {
  /** @param kept whether no generation passed since the last assignment */
  assigned(assignment: PartitionsByTopic, kept: boolean): void;
  /** The next generation is due; the current one may still commit until this resolves. */
  rebalancing(): Promise<void>;
  lost(error: unknown): void;
}

export interface GroupMemberOptions {
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly assignor: Assignor;
  readonly logger: EngineLogger;
  readonly clock: Clock;
}

const RETRY_PAUSE_MS = 500;
const LEAVE_PATIENCE_MS = 3_000;
/** Without success the group waits until the session of this member is over. */
const LEAVE_TRIES = 3;

/**
 * One member of a consumer group: finds the coordinator, joins, sends heartbeats, and joins anew when the group rebalances
 * (the classic protocol, eager: https://cwiki.apache.org/confluence/display/KAFKA/Kafka+Client-side+Assignment+Proposal).
 * Heartbeats go on by their own timer while the old generation drains, so the time to drain is the rebalance timeout, not the
 * session's. Failures are tried again until `leave`.
 */
export class GroupMember {
  /** As a member of which generation requests are made; `undefined` when out of the group. */
  private current: (GroupMembership & { readonly coordinator: number }) | undefined;
  private memberId = '';
  private coordinator: number | undefined;
  /** The last generation whose assignment arrived, and as which member. */
  private synced = { memberId: '', generationId: -1 };
  private isLeaving = false;
  private running: Promise<void> | undefined;
  private wake: (() => void) | undefined;
  private contactAt = 0;
  /** Between two generations. */
  private joining = true;
  private isRejoinDue = false;

  constructor(
    private readonly connections: KafkaConnections,
    private readonly options: GroupMemberOptions,
    private readonly events: MembershipEvents,
  ) {}

  get membership(): (GroupMembership & { readonly coordinator: number }) | undefined {
    return this.current;
  }

  get joined(): boolean {
    return !this.joining && this.current !== undefined;
  }

  /** Milliseconds since 1970 of the coordinator's last answer. */
  get lastContactAt(): number {
    return this.contactAt;
  }

  /** The coordinator answered something else than a heartbeat. */
  noteContact(): void {
    this.contactAt = this.options.clock.now();
  }

  /** Begins to join; `events` say how it goes. */
  join(): void {
    this.running ??= this.run();
  }

  /** Lets the group share its partitions out anew. */
  rejoin(): void {
    this.isRejoinDue = true;
    this.wake?.();
  }

  /** The node that coordinates the group. @throws when it can't be found now */
  async findCoordinator(): Promise<number> {
    this.coordinator ??= await this.connections.requestAny(FIND_COORDINATOR, this.options.groupId);
    return this.coordinator;
  }

  /** Leaves the group, also in the middle of a join: no member stays behind that others would wait for. */
  async leave(): Promise<void> {
    if (this.running === undefined) return;
    this.isLeaving = true;
    this.wake?.();
    const { clock } = this.options;
    // Sent at once, since a join that is under way ends only then; sent again after it, since its answer may bring another id.
    const left = this.sendLeave()
      .catch(() => undefined)
      .then(() => this.running);
    await succeededWithin(clock, LEAVE_PATIENCE_MS, left);
    this.current = undefined;
  }

  private async run(): Promise<void> {
    while (!this.isLeaving) {
      try {
        await this.joinGroup();
        await this.stay();
      } catch (error) {
        await this.recover(error);
      }
    }
    for (let tries = 1; tries <= LEAVE_TRIES && this.memberId !== ''; tries += 1)
      await this.sendLeave().catch((error: unknown) =>
        this.options.logger.warn({ reason: String(error), tries }, 'leaving the group failed'),
      );
  }

  private async joinGroup(): Promise<void> {
    const { groupId, sessionTimeoutMs, rebalanceTimeoutMs, assignor, topics } = this.options;
    const coordinator = await this.findCoordinator();
    const response = await this.connections.request(coordinator, JOIN_GROUP, {
      groupId,
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      memberId: this.memberId,
      protocols: assignor.names,
      subscription: encodeSubscription({ topics, userData: assignor.userData() }),
    });
    const error = errorName(response.errorCode);
    if (response.errorCode !== 0 && error !== 'MEMBER_ID_REQUIRED') throw new KafkaError(error, 'JoinGroup');
    this.memberId = response.memberId;
    this.noteContact();
    if (this.isLeaving || response.errorCode !== 0) return;
    await this.syncGroup(coordinator, response);
  }

  private async syncGroup(coordinator: number, joined: JoinResponse): Promise<void> {
    const { groupId, rebalanceTimeoutMs, assignor } = this.options;
    const { generationId, memberId, leaderId, members } = joined;
    const assignments = leaderId === memberId ? await assignor.assign(members) : new Map<string, Buffer>();
    const membership = { groupId, generationId, memberId };
    const assignment = await this.connections.request(coordinator, SYNC_GROUP, {
      ...membership,
      rebalanceTimeoutMs,
      assignments,
    });
    if (this.isLeaving) return;
    const { synced } = this;
    // With a generation in between, another member may have worked on the same partitions.
    const kept = synced.memberId === memberId && synced.generationId + 1 === generationId;
    this.synced = { memberId, generationId };
    this.current = { ...membership, coordinator };
    this.joining = false;
    this.noteContact();
    this.events.assigned(decodeAssignment(assignment), kept);
  }

  /** Sends heartbeats until the generation ends, and lets its work drain. @throws what ends the membership itself */
  private async stay(): Promise<void> {
    while (this.current !== undefined && !this.isLeaving) {
      await this.rest(this.options.heartbeatIntervalMs);
      if (this.isLeaving || (!this.isRejoinDue && (await this.heartbeat()))) continue;
      this.joining = true;
      this.isRejoinDue = false;
      return this.drain();
    }
  }

  /** Lets the work of the old generation end, and keeps its session alive meanwhile. */
  private async drain(): Promise<void> {
    const { clock, heartbeatIntervalMs } = this.options;
    const drained = this.events.rebalancing();
    try {
      while (!(await succeededWithin(clock, heartbeatIntervalMs, drained)) && !this.isLeaving) await this.heartbeat();
    } finally {
      // Also when the membership is lost meanwhile: the next events must not overlap this one.
      await drained;
    }
  }

  /** @returns false when a rebalance is due. @throws when the membership is over */
  private async heartbeat(): Promise<boolean> {
    const { current } = this;
    if (current === undefined) return false;
    try {
      const coordinator = await this.findCoordinator();
      if (coordinator !== current.coordinator) this.current = { ...current, coordinator };
      await this.connections.request(coordinator, HEARTBEAT, current);
      this.noteContact();
      return true;
    } catch (error) {
      if (isKafkaError(error, 'REBALANCE_IN_PROGRESS')) {
        this.noteContact();
        return false;
      }
      if (isKafkaError(error, 'UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION')) throw error;
      // It moved, restarts or is out of reach: the membership lasts as long as its session, so there is no need to join anew.
      this.coordinator = undefined;
      if (!this.isLeaving) this.options.logger.warn({ reason: String(error) }, 'heartbeat failed: trying again');
      return true;
    }
  }

  private async recover(error: unknown): Promise<void> {
    this.joining = true;
    if (this.isLeaving) return;
    this.coordinator = undefined;
    if (isKafkaError(error, 'UNKNOWN_MEMBER_ID')) this.memberId = '';
    if (isKafkaError(error, 'UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION')) {
      this.current = undefined;
      this.synced = { memberId: '', generationId: -1 };
      return this.events.lost(error);
    }
    if (isKafkaError(error, 'REBALANCE_IN_PROGRESS')) return;
    this.options.logger.warn({ reason: String(error) }, 'joining the group failed: trying again');
    await this.rest(RETRY_PAUSE_MS);
  }

  private async sendLeave(): Promise<void> {
    const { memberId } = this;
    if (memberId === '') return;
    const { groupId } = this.options;
    try {
      await this.connections.request(await this.findCoordinator(), LEAVE_GROUP, { groupId, memberId });
    } catch (error) {
      this.coordinator = undefined;
      // The group forgot it by itself.
      if (!isKafkaError(error, 'UNKNOWN_MEMBER_ID')) throw error;
    }
    if (this.memberId === memberId) this.memberId = '';
  }

  /** Ends early when the member leaves or has drained. */
  private async rest(milliseconds: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancel = this.options.clock.after(milliseconds, resolve);
      this.wake = () => {
        cancel();
        resolve();
      };
    });
    this.wake = undefined;
  }
}
