import { succeededWithin } from '@orders-pipeline/clock';
import { errorDetails } from '../failures/failure.js';
import type { GroupMembership, JoinResponse } from '../protocol/group-requests.js';
import { isKafkaError } from '../protocol/kafka-error.js';
import { GroupCoordinator, type GroupConnections, type GroupCoordinatorOptions } from './group-coordinator.js';
import type { Rebalancing } from './held-partitions.js';
import type { MembershipEvents } from './membership-events.js';

export interface GroupMemberOptions extends GroupCoordinatorOptions {
  readonly heartbeatIntervalMs: number;
  readonly rebalancing: Rebalancing;
}

const RETRY_PAUSE_MS = 500;
const LEAVE_TIMEOUT_MS = 3_000;
/** If all fail, the group waits until this member's session times out. */
const LEAVE_ATTEMPTS = 3;

/**
 * One member of a consumer group: finds the coordinator, joins, sends heartbeats, and rejoins when the group rebalances
 * (the classic protocol: https://cwiki.apache.org/confluence/display/KAFKA/Kafka+Client-side+Assignment+Proposal). In an eager group all work
 * drains before each join. In a cooperative one (KIP-429) it goes on meanwhile, and a member drains only what its new assignment lacks, and
 * joins again. Heartbeats continue on their own timer during a drain, so it is bounded by the rebalance timeout (twice the session timeout),
 * not by the session timeout. Failures are retried until `leave`.
 */
export class GroupMember {
  readonly coordinator: GroupCoordinator;
  /** The membership used for requests; `undefined` when out of the group. */
  private current: (GroupMembership & { readonly coordinator: number }) | undefined;
  private memberId = '';
  /** The last generation whose assignment arrived, and this member's id in it. */
  private synced = { memberId: '', generationId: -1 };
  private isLeaving = false;
  private running: Promise<void> | undefined;
  private wake: (() => void) | undefined;
  /** True between two generations. */
  private joining = true;
  private isRejoinDue = false;
  /** Why the last attempt to join failed; `undefined` once one has succeeded. */
  private failure: string | undefined;

  constructor(
    connections: GroupConnections,
    private readonly options: GroupMemberOptions,
    private readonly events: MembershipEvents,
  ) {
    this.coordinator = new GroupCoordinator(connections, options);
  }

  get membership(): (GroupMembership & { readonly coordinator: number }) | undefined {
    return this.current;
  }

  get joined(): boolean {
    return this.current !== undefined && (!this.joining || this.isCooperative);
  }

  get joinFailure(): string | undefined {
    return this.failure;
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
        if (await this.beatDuringJoin(this.joinGroup())) await this.surrender();
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

  private get isCooperative(): boolean {
    return this.options.rebalancing === 'cooperative';
  }

  /** @returns whether this member has an assignment */
  private async joinGroup(): Promise<boolean> {
    const node = await this.coordinator.find();
    const response = await this.coordinator.join(node, this.memberId);
    this.memberId = response.memberId;
    this.coordinator.noteContact();
    if (this.isLeaving || response.errorCode !== 0) return false;
    return this.syncGroup(node, response);
  }

  private async syncGroup(coordinator: number, joined: JoinResponse): Promise<boolean> {
    const { generationId, memberId } = joined;
    const assignment = await this.coordinator.sync(coordinator, joined);
    if (this.isLeaving) return false;
    const { synced } = this;
    // After a missed generation, another member may have worked on the same partitions of an eager group. In a cooperative one each leader has seen
    // this member's claim.
    const isNext = this.isCooperative || synced.generationId + 1 === generationId;
    const kept = synced.memberId === memberId && isNext;
    this.synced = { memberId, generationId };
    this.current = { groupId: this.options.groupId, generationId, memberId, coordinator };
    this.joining = false;
    this.failure = undefined;
    this.coordinator.noteContact();
    this.events.assigned(assignment, kept);
    return true;
  }

  /** Stays in contact while a cooperative group waits for other members: this one goes on meanwhile. */
  private async beatDuringJoin(joined: Promise<boolean>): Promise<boolean> {
    if (!this.isCooperative) return joined;
    const { clock, heartbeatIntervalMs } = this.options;
    const ended = joined.catch(() => false);
    while (!(await succeededWithin(clock, heartbeatIntervalMs, ended)) && !this.isLeaving) await this.beatOnce();
    return joined;
  }

  /** Sends a heartbeat whose answer is that a rebalance is in progress. The join reports anything else. */
  private async beatOnce(): Promise<void> {
    const { current } = this;
    if (current === undefined) return;
    try {
      await this.coordinator.heartbeat(current.coordinator, current);
      this.coordinator.noteContact();
    } catch (error) {
      if (isKafkaError(error, 'REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION')) this.coordinator.noteContact();
    }
  }

  private async surrender(): Promise<void> {
    if (!this.isCooperative) return;
    const surrendered = this.events.surrender();
    // When the membership ends, its loss is reported at once: the partitions that stay must stop too.
    await this.beatUntil(surrendered);
    if (await surrendered) this.isRejoinDue = true;
  }

  /** Sends heartbeats until a rebalance is due, then drains the running work of an eager group. @throws when the membership ends */
  private async heartbeatUntilRebalance(): Promise<void> {
    while (this.current !== undefined && !this.isLeaving) {
      if (!this.isRejoinDue) await this.sleep(this.options.heartbeatIntervalMs);
      if (this.isLeaving || (!this.isRejoinDue && (await this.heartbeat()))) continue;
      this.joining = true;
      this.isRejoinDue = false;
      if (!this.isCooperative) await this.drain();
      return;
    }
  }

  /** Waits for the work of the old generation. */
  private async drain(): Promise<void> {
    const drained = this.events.rebalancing();
    try {
      await this.beatUntil(drained);
    } finally {
      // Needed even if the membership is lost meanwhile: no event follows before the drain has ended.
      await drained;
    }
  }

  /** Waits for a drain, and keeps the session alive with heartbeats. @throws when the membership ends */
  private async beatUntil(drained: Promise<unknown>): Promise<void> {
    const { clock, heartbeatIntervalMs } = this.options;
    while (!(await succeededWithin(clock, heartbeatIntervalMs, drained)) && !this.isLeaving) await this.heartbeat();
  }

  /** Sends one heartbeat. @returns false when a rebalance is due. @throws when the membership ended */
  private async heartbeat(): Promise<boolean> {
    const { current } = this;
    if (current === undefined) return false;
    try {
      const coordinator = await this.coordinator.find();
      if (coordinator !== current.coordinator) this.current = { ...current, coordinator };
      await this.coordinator.heartbeat(coordinator, current);
      this.coordinator.noteContact();
      return true;
    } catch (error) {
      if (isKafkaError(error, 'REBALANCE_IN_PROGRESS')) {
        this.coordinator.noteContact();
        return false;
      }
      if (isKafkaError(error, 'UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION')) throw error;
      // The coordinator moved, restarts or is unreachable. The membership lasts until its session times out, so no rejoin is needed.
      this.coordinator.forget();
      if (!this.isLeaving) this.options.logger.warn(errorDetails(error), 'heartbeat failed: retrying');
      return true;
    }
  }

  private async recover(error: unknown): Promise<void> {
    this.joining = true;
    if (this.isLeaving) return;
    this.coordinator.forget();
    if (isKafkaError(error, 'UNKNOWN_MEMBER_ID')) this.memberId = '';
    if (isKafkaError(error, 'UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION')) {
      this.current = undefined;
      this.synced = { memberId: '', generationId: -1 };
      return this.events.lost(error);
    }
    if (isKafkaError(error, 'REBALANCE_IN_PROGRESS')) return;
    this.failure = error instanceof Error ? error.message : String(error);
    this.options.logger.warn(errorDetails(error), 'joining the group failed: retrying');
    await this.sleep(RETRY_PAUSE_MS);
  }

  private async sendLeave(): Promise<void> {
    const { memberId } = this;
    if (memberId === '') return;
    await this.coordinator.leave(memberId);
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
