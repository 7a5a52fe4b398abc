import type { Clock } from '@orders-pipeline/clock';

/** What a lease depends on. */
export interface LeaseOptions {
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  /** Monotonic. If it stands still while the machine is suspended, the lease ends too late, and only fences help. */
  readonly clock: Clock;
}

/** A member that misses the answers to this many heartbeats starts nothing more. */
const MISSED_HEARTBEATS = 3;
const MARGIN = 0.05;
const LEAST_MARGIN_MS = 250;
const NEVER = Number.NEGATIVE_INFINITY;

/**
 * How long a member may act for its group on its own authority. The coordinator expels a member that is silent, and gives its partitions to
 * others, and the member gets no message. All times count from when a request was sent: the coordinator counts from later on.
 *
 * - It ends one session timeout after the last answered heartbeat, less a margin of 5 % and at least 250 ms.
 * - While a rebalance waits for this member, it also ends one rebalance timeout after the last heartbeat before that rebalance.
 * - Nothing starts later than three heartbeat intervals after the last answered heartbeat; running work goes on until the end.
 */
export class Lease {
  private isHeld = false;
  /** When the last answered heartbeat was sent. */
  private renewedAt = NEVER;
  /** What the group waits for from this member. */
  private awaited: 'nothing' | 'join' | 'sync' = 'nothing';
  /** The earliest time since when the group may wait for it. */
  private awaitedSince = NEVER;

  constructor(private readonly options: LeaseOptions) {}

  get held(): boolean {
    return this.isHeld;
  }

  /** How long an answer may take before the member starts nothing more, in ms. */
  get contactLimitMs(): number {
    return MISSED_HEARTBEATS * this.options.heartbeatIntervalMs;
  }

  /** From this time on nothing may start, in ms since 1970. */
  get startsUntil(): number {
    return Math.min(this.renewedAt + this.contactLimitMs, this.endsAt);
  }

  /** When the ownership of all partitions ends, in ms since 1970. */
  get endsAt(): number {
    if (!this.isHeld) return NEVER;
    const { sessionTimeoutMs, rebalanceTimeoutMs } = this.options;
    const sessionEndsAt = this.renewedAt + sessionTimeoutMs - Math.max(LEAST_MARGIN_MS, MARGIN * sessionTimeoutMs);
    return this.awaited === 'nothing' ? sessionEndsAt : Math.min(sessionEndsAt, this.awaitedSince + rebalanceTimeoutMs);
  }

  get hasExpired(): boolean {
    return this.isHeld && this.options.clock.now() >= this.endsAt;
  }

  /** Begins or goes on with a generation. @param sentAt when the answered SyncGroup was sent */
  begin(sentAt: number): void {
    this.isHeld = true;
    this.awaited = 'nothing';
    this.confirm(sentAt);
  }

  /** A heartbeat was answered with success. @param sentAt when it was sent */
  confirm(sentAt: number): void {
    this.renewedAt = Math.max(this.renewedAt, sentAt);
    if (this.awaited !== 'sync') this.awaitedSince = Math.max(this.awaitedSince, sentAt);
  }

  /** A heartbeat was answered with REBALANCE_IN_PROGRESS. @param sentAt when it was sent */
  renewForRebalance(sentAt: number): void {
    this.renewedAt = Math.max(this.renewedAt, sentAt);
    this.awaitJoin();
  }

  /** The group waits for this member's JoinGroup, or does so as soon as it arrives. */
  awaitJoin(): void {
    this.awaited = 'join';
  }

  /** The JoinGroup was answered: the group waits for the SyncGroup of its members, as long again. */
  awaitSync(): void {
    this.awaited = 'sync';
    this.awaitedSince = this.renewedAt;
  }

  end(): void {
    this.isHeld = false;
    this.renewedAt = NEVER;
    this.awaited = 'nothing';
    this.awaitedSince = NEVER;
  }
}
