import type { Clock } from '@orders-pipeline/clock';
import { errorDetails } from '../failures/failure.js';
import type { EngineLogger } from '../events/engine-logger.js';
import { decodeAssignment, encodeSubscription, type PartitionsByTopic } from '../protocol/consumer-protocol.js';
import {
  FIND_COORDINATOR,
  HEARTBEAT,
  JOIN_GROUP,
  LEAVE_GROUP,
  SYNC_GROUP,
  type GroupMembership,
  type JoinResponse,
} from '../protocol/group-requests.js';
import { errorName, isKafkaError, KafkaError } from '../protocol/kafka-error.js';
import type { Assignor } from './assignor.js';
import type { KafkaConnections } from './kafka-connections.js';

/** The group, and what this member offers it. */
export interface GroupCoordinatorOptions {
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly assignor: Assignor;
  readonly logger: EngineLogger;
  readonly clock: Clock;
}

/** Connections of a member. A node answers the requests of a connection in turn, so heartbeats must not share one with a join that waits. */
export interface GroupConnections {
  readonly usual: KafkaConnections;
  /** Returns connections for joins only. Called again after a join was discarded, which may hang. */
  readonly connectForJoins: () => KafkaConnections;
}

/** An assignment, and when the request that it answers was sent, in ms since 1970. */
export interface SyncedAssignment {
  readonly assignment: PartitionsByTopic;
  readonly sentAt: number;
}

/** A new group waits 3 s for its first members (`group.initial.rebalance.delay.ms`), a running group only for late ones. */
const JOIN_NOTICE_MS = 3_500;

/** Sends a member's requests to the coordinator of its group, which it finds on first use and after `forget`. */
export class GroupCoordinator {
  private known: number | undefined;
  private lastContact = 0;
  private joins: KafkaConnections | undefined;
  private isClosed = false;

  constructor(
    private readonly connections: GroupConnections,
    private readonly options: GroupCoordinatorOptions,
  ) {}

  /** Time of the last response, in ms since 1970. */
  get lastContactAt(): number {
    return this.lastContact;
  }

  /** Records a response. */
  noteContact(): void {
    this.lastContact = this.options.clock.now();
  }

  /** Returns the node that coordinates the group. @throws when it cannot be found */
  async find(): Promise<number> {
    this.known ??= await this.connections.usual.requestAny(FIND_COORDINATOR, this.options.groupId);
    return this.known;
  }

  /** Looks for the coordinator anew: it moved, restarts or is unreachable. */
  forget(): void {
    this.known = undefined;
  }

  /** Gives up a JoinGroup or SyncGroup that is not answered. The next one has a connection of its own. Never rejects. */
  async discardJoin(): Promise<void> {
    const { joins } = this;
    this.joins = undefined;
    await joins?.close().catch((error: unknown) => {
      this.options.logger.warn(errorDetails(error), 'connections of a join did not close cleanly');
    });
  }

  /** Gives up what is under way, and sends no join any more. Never rejects. */
  async close(): Promise<void> {
    this.isClosed = true;
    await this.discardJoin();
  }

  /**
   * Waits for the other members and joins the next generation.
   * @param node the coordinator, from `find`
   * @param memberId '' for a new member, which has joined only when the response has no error
   * @throws KafkaError; not for MEMBER_ID_REQUIRED, whose response has the id to join with
   */
  async join(node: number, memberId: string): Promise<JoinResponse> {
    const { groupId, sessionTimeoutMs, rebalanceTimeoutMs, assignor, topics } = this.options;
    const response = await this.logLongWait(
      this.connectedForJoins().request(node, JOIN_GROUP, {
        groupId,
        sessionTimeoutMs,
        rebalanceTimeoutMs,
        memberId,
        protocols: assignor.names,
        subscription: encodeSubscription({ topics, userData: assignor.userData() }),
      }),
    );
    const error = errorName(response.errorCode);
    if (response.errorCode !== 0 && error !== 'MEMBER_ID_REQUIRED') throw new KafkaError(error, 'JoinGroup');
    return response;
  }

  /** Gets this member's assignment; as the group's leader, assigns the partitions first. */
  async sync(node: number, { generationId, memberId, leaderId, members }: JoinResponse): Promise<SyncedAssignment> {
    const { clock, groupId, rebalanceTimeoutMs, assignor } = this.options;
    const assignments = leaderId === memberId ? await assignor.assign(members) : new Map<string, Buffer>();
    const sentAt = clock.now();
    const assignment = await this.connectedForJoins().request(node, SYNC_GROUP, {
      groupId,
      generationId,
      memberId,
      rebalanceTimeoutMs,
      assignments,
    });
    return { assignment: decodeAssignment(assignment), sentAt };
  }

  /** Keeps the session alive. @throws KafkaError REBALANCE_IN_PROGRESS when a rebalance is due */
  async heartbeat(node: number, membership: GroupMembership): Promise<void> {
    await this.connections.usual.request(node, HEARTBEAT, membership);
  }

  /** Removes a member from the group. */
  async leave(memberId: string): Promise<void> {
    const { groupId } = this.options;
    try {
      await this.connections.usual.request(await this.find(), LEAVE_GROUP, { groupId, memberId });
    } catch (error) {
      this.forget();
      // With this error, the group has already removed the member.
      if (!isKafkaError(error, 'UNKNOWN_MEMBER_ID')) throw error;
    }
  }

  private connectedForJoins(): KafkaConnections {
    if (this.isClosed) throw new Error('the member has left its group');
    this.joins ??= this.connections.connectForJoins();
    return this.joins;
  }

  /** Logs when the coordinator delays the join, which otherwise looks as if the consumer hung. */
  private async logLongWait<T>(joined: Promise<T>): Promise<T> {
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
}
