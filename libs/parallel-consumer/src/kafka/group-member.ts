import { succeededWithin } from '@orders-pipeline/clock';
import { errorDetails } from '../failures/failure.js';
import type { GroupMembership, JoinResponse } from '../protocol/group-requests.js';
import { isKafkaError } from '../protocol/kafka-error.js';
import { GroupCoordinator, type GroupConnections, type GroupCoordinatorOptions } from './group-coordinator.js';
import type { Rebalancing } from './owned-partitions.js';
import { Lease } from './lease.js';
import type { MembershipEvents } from './membership-events.js';

export interface GroupMemberOptions extends GroupCoordinatorOptions {
  readonly heartbeatIntervalMs: number;
  readonly rebalancing: Rebalancing;
}

/** A membership, and the node that coordinates the group. */
type Membership = GroupMembership & { readonly coordinator: number };

const RETRY_PAUSE_MS = 500;
const LEAVE_TIMEOUT_MS = 3_000;
/** If all fail, the group waits until this member's session times out. */
const LEAVE_ATTEMPTS = 3;
const NEVER_SYNCED = { memberId: '', generationId: -1 };

/** The lease of a member has ended: the coordinator did not answer in time, and may have given the partitions to others. */
export class LeaseExpiredError extends Error {
  override readonly name = 'LeaseExpiredError';
  readonly code = 'lease-expired';
}

/**
 * One member of a consumer group: finds the coordinator, joins, sends heartbeats, and rejoins when the group rebalances
 * (the classic protocol: https://cwiki.apache.org/confluence/display/KAFKA/Kafka+Client-side+Assignment+Proposal). In an eager group all work
 * drains before each join. In a cooperative one (KIP-429) it goes on meanwhile, and a member drains only what its new assignment lacks, and
 * joins again. Heartbeats go on during drains and joins, so both are bounded by the rebalance timeout, not by the session timeout. Failures are
 * retried until `leave`.
 *
 * Guarantee: `lost` is reported no later than the lease ends (see `Lease`), whether or not a broker answers. The end is final: an answer that
 * arrives later revives nothing, and the member joins anew.
 */
export class GroupMember {
  readonly coordinator: GroupCoordinator;
  readonly lease: Lease;
  /** The membership used for requests; `undefined` when out of the group. */
  private current: Membership | undefined;
  /** The membership that heartbeats name: ahead of `current` between the answers of JoinGroup and SyncGroup. */
  private heartbeatMembership: Membership | undefined;
  private memberId = '';
  /** The last generation whose assignment arrived, and this member's id in it. */
  private synced = NEVER_SYNCED;
  /** Aborts when the membership ends, and so ends whatever waits for it. */
  private membershipEnd = new AbortController();
  private isLeaving = false;
  private running: Promise<void> | undefined;
  private draining: Promise<void> | undefined;
  private wake: (() => void) | undefined;
  private cancelLeaseTimer: (() => void) | undefined;
  /** True between two generations. */
  private joining = true;
  /** The join that is under way, at this node. */
  private pendingJoin: { readonly node: number } | undefined;
  /** True from the JoinGroup of an eager member, which says that all its work has ended, to its next assignment. */
  private hasGivenUp = false;
  private heartbeatSentAt = Number.NEGATIVE_INFINITY;
  private isRejoinDue = false;
  /** Why the last attempt to join failed; `undefined` once one has succeeded. */
  private failure: string | undefined;

  constructor(
    connections: GroupConnections,
    private readonly options: GroupMemberOptions,
    private readonly events: MembershipEvents,
  ) {
    this.coordinator = new GroupCoordinator(connections, options);
    this.lease = new Lease(options);
  }

  get membership(): Membership | undefined {
    return this.current;
  }

  /** Until when records may be taken and attempts started, exclusive, in ms since 1970. */
  get startsUntil(): number {
    return this.hasGivenUp ? Number.NEGATIVE_INFINITY : this.lease.startsUntil;
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
    this.cancelLeaseTimer?.();
    this.wake?.();
    const { clock } = this.options;
    // Sent now, because it ends a pending join. Sent again after the join, because its response may contain a new member id.
    const left = this.sendLeave()
      .catch(() => undefined)
      .then(() => this.running);
    await succeededWithin(clock, LEAVE_TIMEOUT_MS, left);
    this.current = undefined;
    this.lease.end();
    await this.coordinator.close();
  }

  private async run(): Promise<void> {
    while (!this.isLeaving) {
      const { signal } = this.membershipEnd;
      try {
        await this.heartbeatIfDue(signal);
        if (await this.heartbeatDuringJoin(this.joinGroup(signal), signal)) await this.surrender(signal);
        await this.heartbeatUntilRebalance(signal);
      } catch (error) {
        await this.recover(error, signal);
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
  private async joinGroup(end: AbortSignal): Promise<boolean> {
    const node = await this.coordinator.find();
    end.throwIfAborted();
    if (this.isLeaving) return false;
    const pending = { node };
    this.pendingJoin = pending;
    // An answer to a join that was given up must change nothing, even while the membership goes on.
    const requireJoin = (): void => {
      end.throwIfAborted();
      if (this.pendingJoin !== pending) throw new Error('the join was given up');
    };
    try {
      this.lease.awaitJoin();
      this.hasGivenUp = !this.isCooperative;
      const response = await this.coordinator.join(node, this.memberId);
      this.coordinator.noteContact();
      requireJoin();
      this.memberId = response.memberId;
      return !this.isLeaving && response.errorCode === 0 && (await this.syncGroup(node, response, requireJoin));
    } finally {
      if (this.pendingJoin === pending) this.pendingJoin = undefined;
    }
  }

  private async syncGroup(coordinator: number, joined: JoinResponse, requireJoin: () => void): Promise<boolean> {
    const { generationId, memberId } = joined;
    const membership = { groupId: this.options.groupId, generationId, memberId, coordinator };
    this.heartbeatMembership = membership;
    this.lease.awaitSync();
    const { assignment, sentAt } = await this.coordinator.sync(coordinator, joined);
    this.expireIfDue();
    requireJoin();
    if (this.isLeaving) return false;
    const { synced } = this;
    // After a missed generation, another member may have worked on the same partitions of an eager group. In a cooperative one each leader has seen
    // this member's claim.
    const isNext = this.isCooperative || synced.generationId + 1 === generationId;
    const kept = synced.memberId === memberId && isNext;
    this.synced = { memberId, generationId };
    this.current = membership;
    this.heartbeatMembership = membership;
    this.joining = false;
    this.hasGivenUp = false;
    this.failure = undefined;
    this.coordinator.noteContact();
    this.lease.begin(sentAt);
    this.watchLease();
    this.events.assigned(assignment, kept);
    return true;
  }

  /** Sends heartbeats while the group waits for other members: the session and the lease go on, and so does the work of a cooperative group. */
  private async heartbeatDuringJoin(joined: Promise<boolean>, end: AbortSignal): Promise<boolean> {
    const { clock, heartbeatIntervalMs } = this.options;
    const ended = untilAborted(joined, end);
    while (!(await succeededWithin(clock, heartbeatIntervalMs, ended)) && !this.isLeaving) {
      // An old generation is no loss: the answer to the JoinGroup is on its way.
      await this.heartbeat(end, 'ILLEGAL_GENERATION');
      const [joinNode, heartbeatNode] = [this.pendingJoin?.node, this.heartbeatMembership?.coordinator];
      if (joinNode !== undefined && heartbeatNode !== undefined && joinNode !== heartbeatNode)
        throw new Error(`the coordinator moved from node ${joinNode} to node ${heartbeatNode} during the join`);
    }
    return joined;
  }

  private async surrender(end: AbortSignal): Promise<void> {
    if (!this.isCooperative) return;
    const surrendered = this.events.surrender();
    // When the membership ends, its loss is reported at once: the partitions that stay must stop too.
    await this.heartbeatUntil(surrendered, end);
    if (await surrendered) this.isRejoinDue = true;
  }

  /** Sends heartbeats until a rebalance is due, then drains the running work of an eager group. @throws when the membership ends */
  private async heartbeatUntilRebalance(end: AbortSignal): Promise<void> {
    while (this.current !== undefined && !this.isLeaving) {
      if (!this.isRejoinDue) await this.sleep(this.options.heartbeatIntervalMs, end);
      end.throwIfAborted();
      if (this.isLeaving || (!this.isRejoinDue && (await this.heartbeat(end)))) continue;
      this.joining = true;
      this.isRejoinDue = false;
      if (!this.isCooperative) await this.drain(end);
      return;
    }
  }

  /** Waits for the work of the old generation. */
  private async drain(end: AbortSignal): Promise<void> {
    this.draining = this.events.rebalancing();
    await this.heartbeatUntil(this.draining, end);
  }

  /** Waits for a drain, and keeps the session alive with heartbeats. @throws when the membership ends */
  private async heartbeatUntil(drained: Promise<unknown>, end: AbortSignal): Promise<void> {
    const { clock, heartbeatIntervalMs } = this.options;
    const ended = untilAborted(drained, end);
    while (!(await succeededWithin(clock, heartbeatIntervalMs, ended)) && !this.isLeaving) await this.heartbeat(end);
  }

  /** Keeps the session alive also while joins end at once, such as with COORDINATOR_LOAD_IN_PROGRESS. */
  private async heartbeatIfDue(end: AbortSignal): Promise<void> {
    const { clock, heartbeatIntervalMs } = this.options;
    if (this.lease.held && clock.now() - this.heartbeatSentAt >= heartbeatIntervalMs)
      await this.heartbeat(end, 'ILLEGAL_GENERATION');
  }

  /**
   * Sends one heartbeat, to the coordinator as it is found now, and renews the lease by its answer.
   * @param ignored an answer that is no reason to leave
   * @returns false when a rebalance is due. @throws when the membership ended
   */
  private async heartbeat(end: AbortSignal, ignored?: string): Promise<boolean> {
    const { clock, logger } = this.options;
    if (this.heartbeatMembership === undefined) return false;
    const sentAt = clock.now();
    this.heartbeatSentAt = sentAt;
    try {
      const answered = await succeededWithin(clock, this.lease.contactLimitMs, this.sendHeartbeat());
      this.requireMembership(end);
      if (!answered) throw new Error(`no response to a heartbeat within ${this.lease.contactLimitMs} ms`);
      this.coordinator.noteContact();
      this.lease.confirm(sentAt);
      return true;
    } catch (error) {
      this.requireMembership(end);
      if (isKafkaError(error, 'REBALANCE_IN_PROGRESS')) {
        this.coordinator.noteContact();
        this.lease.renewForRebalance(sentAt);
        return false;
      }
      if (ignored !== undefined && isKafkaError(error, ignored)) return true;
      if (isKafkaError(error, 'UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION')) throw error;
      // The coordinator moved, restarts or is unreachable. The membership lasts until its lease ends, so no rejoin is needed.
      this.coordinator.forget();
      if (!this.isLeaving) logger.warn(errorDetails(error), 'heartbeat failed: retrying');
      return true;
    }
  }

  private async sendHeartbeat(): Promise<void> {
    const coordinator = await this.coordinator.find();
    const { heartbeatMembership } = this;
    if (heartbeatMembership === undefined) return;
    if (coordinator !== heartbeatMembership.coordinator) {
      this.heartbeatMembership = { ...heartbeatMembership, coordinator };
      if (this.current !== undefined) this.current = { ...this.current, coordinator };
    }
    await this.coordinator.heartbeat(coordinator, heartbeatMembership);
  }

  private watchLease(): void {
    const { clock } = this.options;
    this.cancelLeaseTimer?.();
    this.cancelLeaseTimer = clock.after(Math.max(0, this.lease.endsAt - clock.now()), () => {
      if (this.lease.hasExpired) this.expire();
      else if (this.lease.held) this.watchLease();
    });
  }

  /** @throws when the membership has ended: an answer that arrives after that must change nothing */
  private requireMembership(end: AbortSignal): void {
    this.expireIfDue();
    end.throwIfAborted();
  }

  /** After a pause of the process, an answer may be handled before the timer of the lease. */
  private expireIfDue(): void {
    if (this.lease.hasExpired && !this.isLeaving) this.expire();
  }

  private expire(): void {
    const { sessionTimeoutMs } = this.options;
    this.lose(
      new LeaseExpiredError(
        `the group coordinator confirmed the membership too late or not at all (session timeout ${sessionTimeoutMs} ms): other members may own the partitions`,
      ),
    );
  }

  /** Ends the membership, and what waits for it. */
  private lose(error: unknown): void {
    const wasMember = this.current !== undefined;
    this.cancelLeaseTimer?.();
    this.lease.end();
    this.current = undefined;
    this.heartbeatMembership = undefined;
    this.synced = NEVER_SYNCED;
    const { membershipEnd } = this;
    this.membershipEnd = new AbortController();
    membershipEnd.abort(error);
    // After the lease has ended, the group may answer the next join that it does not know the member: that is no second loss.
    if (wasMember) this.events.lost(error);
  }

  private async recover(reason: unknown, end: AbortSignal): Promise<void> {
    this.joining = true;
    if (this.isLeaving) return;
    this.coordinator.forget();
    // The next join would wait behind one that is not answered.
    if (this.pendingJoin !== undefined) void this.coordinator.discardJoin();
    this.pendingJoin = undefined;
    if (isKafkaError(reason, 'UNKNOWN_MEMBER_ID')) this.memberId = '';
    const isLost = isKafkaError(reason, 'UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION');
    if (isLost && !end.aborted) this.lose(reason);
    // An assignment that came during the drain would be drained too.
    await Promise.allSettled([this.draining]);
    if (isLost || end.aborted || isKafkaError(reason, 'REBALANCE_IN_PROGRESS')) return;
    this.failure = reason instanceof Error ? reason.message : String(reason);
    this.options.logger.warn(errorDetails(reason), 'joining the group failed: retrying');
    await this.sleep(RETRY_PAUSE_MS, this.membershipEnd.signal);
  }

  private async sendLeave(): Promise<void> {
    const { memberId } = this;
    if (memberId === '') return;
    await this.coordinator.leave(memberId);
    if (this.memberId === memberId) this.memberId = '';
  }

  /** Waits; `leave`, `rejoin` and the end of the membership end the wait early. */
  private async sleep(milliseconds: number, end: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.options.clock.after(milliseconds, resolve);
    this.wake = resolve;
    await untilAborted(promise, end).catch(() => undefined);
    cancel();
    this.wake = undefined;
  }
}

/** @throws the reason of the signal, when it aborts before the work ends */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', abort);
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
