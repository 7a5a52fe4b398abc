import { succeededWithin, type Clock } from '@orders-pipeline/clock';
import type { EngineLogger } from '../events/engine-logger.js';
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
import { errorDetails } from '../failures/failure.js';
import { isKafkaError, KafkaError, errorName } from '../protocol/kafka-error.js';
import type { KafkaConnections } from './kafka-connections.js';

/** Assigns the partitions of a group to its members. */
export interface Assignor {
  /** Protocol names that this assignor offers; they are equivalent. */
  readonly names: readonly string[];
  /** Returns the data that this member sends to the group leader. */
  userData(): Buffer;
  /** Assigns the partitions; only the leader calls this. @returns each member's encoded assignment */
  assign(members: JoinResponse['members']): Promise<ReadonlyMap<string, Buffer>>;
}

/** Receives the events of a membership. Calls do not overlap. */
export interface MembershipEvents {
  /** @param kept whether the member kept its id and missed no generation since its last assignment */
  assigned(assignment: PartitionsByTopic, kept: boolean): void;
  /** Called when the next generation is due. The current generation can still commit until this resolves. */
  rebalancing(): Promise<void>;
  /** Called when the group expelled this member. */
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
/** A new group waits 3 s for its first members (`group.initial.rebalance.delay.ms`), a running group only for late ones. */
const JOIN_NOTICE_MS = 3_500;
const LEAVE_TIMEOUT_MS = 3_000;
/** If all fail, the group waits until this member's session times out. */
const LEAVE_ATTEMPTS = 3;

/**
 * One member of a consumer group: finds the coordinator, joins, sends heartbeats, and rejoins when the group rebalances
 * (the classic protocol, eager: https://cwiki.apache.org/confluence/display/KAFKA/Kafka+Client-side+Assignment+Proposal).
 * Heartbeats continue on their own timer while the old generation drains, so the drain is bounded by the rebalance timeout, not
 * by the session timeout. Failures are retried until `leave`.
 */
export class GroupMember {
  /** The membership used for requests; `undefined` when out of the group. */
  private current: (GroupMembership & { readonly coordinator: number }) | undefined;
  private memberId = '';
  private coordinator: number | undefined;
  /** The last generation whose assignment arrived, and this member's id in it. */
  private synced = { memberId: '', generationId: -1 };
  private isLeaving = false;
  private running: Promise<void> | undefined;
  private wake: (() => void) | undefined;
  private lastContact = 0;
  /** True between two generations. */
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

  /** Time of the coordinator's last response, in ms since 1970. */
  get lastContactAt(): number {
    return this.lastContact;
  }

  /** Records a response of the coordinator. */
  noteContact(): void {
    this.lastContact = this.options.clock.now();
  }

  /** Starts to join; `events` report the progress. */
  join(): void {
    this.running ??= this.run();
  }

  /** Triggers a rebalance. */
  rejoin(): void {
    this.isRejoinDue = true;
    this.wake?.();
  }

  /** Returns the node that coordinates the group. @throws when it cannot be found */
  async findCoordinator(): Promise<number> {
    this.coordinator ??= await this.connections.requestAny(FIND_COORDINATOR, this.options.groupId);
    return this.coordinator;
  }

  /** Leaves the group, also during a join, so that the other members do not wait for this one. */
  async leave(): Promise<void> {
    if (this.running === undefined) return;
    this.isLeaving = true;
    this.wake?.();
    const { clock } = this.options;
    // Sent now, because it ends a pending join. Sent again after the join, because its response may contain a new member id.
    const left = this.sendLeave()
      .catch(() => undefined)
      .then(() => this.running);
    await succeededWithin(clock, LEAVE_TIMEOUT_MS, left);
    this.current = undefined;
  }

  private async run(): Promise<void> {
    while (!this.isLeaving) {
      try {
        await this.joinGroup();
        await this.heartbeatUntilRebalance();
      } catch (error) {
        await this.recover(error);
      }
    }
    for (let tries = 1; tries <= LEAVE_ATTEMPTS && this.memberId !== ''; tries += 1)
      await this.sendLeave().catch((error: unknown) =>
        this.options.logger.warn({ ...errorDetails(error), tries }, 'leaving the group failed'),
      );
  }

  private async joinGroup(): Promise<void> {
    const { groupId, sessionTimeoutMs, rebalanceTimeoutMs, assignor, topics } = this.options;
    const coordinator = await this.findCoordinator();
    const response = await this.noticingWait(
      this.connections.request(coordinator, JOIN_GROUP, {
        groupId,
        sessionTimeoutMs,
        rebalanceTimeoutMs,
        memberId: this.memberId,
        protocols: assignor.names,
        subscription: encodeSubscription({ topics, userData: assignor.userData() }),
      }),
    );
    const error = errorName(response.errorCode);
    if (response.errorCode !== 0 && error !== 'MEMBER_ID_REQUIRED') throw new KafkaError(error, 'JoinGroup');
    this.memberId = response.memberId;
    this.noteContact();
    if (this.isLeaving || response.errorCode !== 0) return;
    await this.syncGroup(coordinator, response);
  }

  /** Logs when the coordinator delays the join, which otherwise looks as if the consumer hung. */
  private async noticingWait<T>(joined: Promise<T>): Promise<T> {
    const { clock, groupId, logger, rebalanceTimeoutMs, sessionTimeoutMs } = this.options;
    const cancel = clock.after(JOIN_NOTICE_MS, () =>
      logger.info(
        { groupId, sessionTimeoutMs, rebalanceTimeoutMs },
        'still joining: the group waits for a crashed member (at most its session timeout) or a draining one (at most its rebalance timeout)',
      ),
    );
    try {
      return await joined;
    } finally {
      cancel();
    }
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
    // After a missed generation, another member may have worked on the same partitions.
    const kept = synced.memberId === memberId && synced.generationId + 1 === generationId;
    this.synced = { memberId, generationId };
    this.current = { ...membership, coordinator };
    this.joining = false;
    this.noteContact();
    this.events.assigned(decodeAssignment(assignment), kept);
  }

  /** Sends heartbeats until a rebalance is due, then drains the running work. @throws when the membership ends */
  private async heartbeatUntilRebalance(): Promise<void> {
    while (this.current !== undefined && !this.isLeaving) {
      await this.sleep(this.options.heartbeatIntervalMs);
      if (this.isLeaving || (!this.isRejoinDue && (await this.heartbeat()))) continue;
      this.joining = true;
      this.isRejoinDue = false;
      return this.drain();
    }
  }

  /** Waits for the work of the old generation and keeps its session alive with heartbeats. */
  private async drain(): Promise<void> {
    const { clock, heartbeatIntervalMs } = this.options;
    const drained = this.events.rebalancing();
    try {
      while (!(await succeededWithin(clock, heartbeatIntervalMs, drained)) && !this.isLeaving) await this.heartbeat();
    } finally {
      // Needed even if the membership is lost meanwhile: events must not overlap.
      await drained;
    }
  }

  /** Sends one heartbeat. @returns false when a rebalance is due. @throws when the membership ended */
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
      // The coordinator moved, restarts or is unreachable. The membership lasts until its session times out, so no rejoin is needed.
      this.coordinator = undefined;
      if (!this.isLeaving) this.options.logger.warn(errorDetails(error), 'heartbeat failed: retrying');
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
    this.options.logger.warn(errorDetails(error), 'joining the group failed: retrying');
    await this.sleep(RETRY_PAUSE_MS);
  }

  private async sendLeave(): Promise<void> {
    const { memberId } = this;
    if (memberId === '') return;
    const { groupId } = this.options;
    try {
      await this.connections.request(await this.findCoordinator(), LEAVE_GROUP, { groupId, memberId });
    } catch (error) {
      this.coordinator = undefined;
      // With this error, the group has already removed the member.
      if (!isKafkaError(error, 'UNKNOWN_MEMBER_ID')) throw error;
    }
    if (this.memberId === memberId) this.memberId = '';
  }

  /** Waits; `leave` and `rejoin` end the wait early. */
  private async sleep(milliseconds: number): Promise<void> {
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
