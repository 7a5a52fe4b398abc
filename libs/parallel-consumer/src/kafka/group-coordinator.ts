import type { TopicPartition } from './broker.js';

/** The parts of kafkajs's internal cluster and broker that the group membership goes through. */
export interface GroupCluster {
  findGroupCoordinator(group: { groupId: string }): Promise<GroupCoordinator>;
  findBroker(node: object): Promise<GroupCoordinator>;
}

export interface GroupCoordinator {
  heartbeat(payload: object): Promise<unknown>;
  joinGroup(payload: object): Promise<{ readonly generationId: number; readonly memberId: string }>;
  syncGroup(payload: object): Promise<unknown>;
  offsetCommit(payload: OffsetCommit): Promise<unknown>;
}

export interface OffsetCommit {
  readonly groupId: string;
  readonly groupGenerationId: number;
  readonly memberId: string;
  readonly topics: readonly {
    readonly topic: string;
    readonly partitions: readonly {
      readonly partition: number;
      readonly offset: string | number;
      readonly metadata?: string;
    }[];
  }[];
}

/** One generation of the group as its member knows it. */
export interface GroupMembership {
  readonly coordinator: GroupCoordinator;
  readonly generationId: number;
  readonly memberId: string;
}

export interface JoinHook {
  /** Runs before each JoinGroup, while the old generation may still commit. */
  beforeJoin(): Promise<void>;
  /** Whether to go on looking for a coordinator. */
  isWanted(): boolean;
  /** A JoinGroup succeeded. */
  joined(membership: GroupMembership): void;
  /**
   * kafkajs is about to move a partition whose position Kafka no longer has. @returns the offset to move it to;
   * `undefined`: the position stays, and what was committed too
   */
  outOfRange(partition: TopicPartition): Promise<number | undefined>;
  /** A look for the coordinator failed. Resolves when it's time for the next. */
  afterFailure(error: unknown): Promise<void>;
}

const HOOKED = Symbol('hooked');

/**
 * kafkajs has no hook before a join, gives up for good when looking for the coordinator fails in an unlucky way, and goes
 * on beating to a coordinator that moved. All three meet in `findGroupCoordinator`, which a consumer calls exactly once
 * before each JoinGroup: wrapping it mends them without a fork. So does a wrap of the coordinator's own requests, which are
 * sent through `findBroker`'s result where the connection was made anew.
 */
export function hookGroupCoordinator(
  cluster: GroupCluster & { [HOOKED]?: true },
  groupId: string,
  hook: JoinHook,
): void {
  if (cluster[HOOKED]) return;
  cluster[HOOKED] = true;
  const find = cluster.findGroupCoordinator.bind(cluster);
  const findBroker = cluster.findBroker.bind(cluster);
  cluster.findBroker = async (node) => hookRequests(await findBroker(node), hook);
  cluster.findGroupCoordinator = async (group) => {
    if (group.groupId !== groupId) return find(group);
    await hook.beforeJoin();
    for (;;) {
      try {
        return hookRequests(await find(group), hook);
      } catch (error) {
        if (!hook.isWanted()) throw error;
        await hook.afterFailure(error);
      }
    }
  };
}

/** What a coordinator says while it moves or starts; kafkajs takes these for final where they are not. */
const PASSING = new Set(['GROUP_LOAD_IN_PROGRESS', 'GROUP_COORDINATOR_NOT_AVAILABLE']);

function hookRequests(coordinator: GroupCoordinator & { [HOOKED]?: true }, hook: JoinHook): GroupCoordinator {
  if (coordinator[HOOKED]) return coordinator;
  coordinator[HOOKED] = true;
  reportMovedCoordinator(coordinator);
  askBeforeReset(coordinator, hook);
  const join = coordinator.joinGroup.bind(coordinator);
  coordinator.joinGroup = async (payload) => {
    const joined = await join(payload);
    hook.joined({ coordinator, generationId: joined.generationId, memberId: joined.memberId });
    return joined;
  };
  return coordinator;
}

/**
 * A heartbeat, join or sync that can't reach its coordinator, or meets one that is still loading, must lead to a look for
 * the coordinator and another join. Only this error type does: after any other one kafkajs goes on with the old membership,
 * or with none at all, and never joins again.
 */
function reportMovedCoordinator(coordinator: GroupCoordinator): void {
  coordinator.heartbeat = reported(coordinator.heartbeat.bind(coordinator));
  coordinator.joinGroup = reported(coordinator.joinGroup.bind(coordinator));
  coordinator.syncGroup = reported(coordinator.syncGroup.bind(coordinator));
}

function reported<T>(send: (payload: object) => Promise<T>): (payload: object) => Promise<T> {
  return async (payload) => {
    try {
      return await send(payload);
    } catch (error) {
      if (!(error instanceof Error) || isFinal(error)) throw error;
      throw Object.assign(new Error('the coordinator does not answer', { cause: error }), {
        name: 'KafkaJSProtocolError',
        type: 'NOT_COORDINATOR_FOR_GROUP',
        retriable: true,
      });
    }
  };
}

/**
 * On OFFSET_OUT_OF_RANGE kafkajs commits the symbolic offset -2, and nothing tells that records were passed over: a
 * negative offset in a commit is nothing else.
 */
function askBeforeReset(coordinator: GroupCoordinator, hook: JoinHook): void {
  const send = coordinator.offsetCommit.bind(coordinator);
  coordinator.offsetCommit = async (payload) => {
    const [reset] = payload.topics.flatMap(({ topic, partitions }) =>
      partitions.filter(({ offset }) => Number(offset) < 0).map(({ partition }) => ({ topic, partition })),
    );
    if (reset === undefined) return send(payload);
    const offset = await hook.outOfRange(reset);
    if (offset === undefined) return undefined;
    const partitions = [{ partition: reset.partition, offset: String(offset) }];
    return send({ ...payload, topics: [{ topic: reset.topic, partitions }] });
  };
}

/** Whether the broker's answer means something of its own; connection errors and time-outs have no type. */
function isFinal(error: Error): boolean {
  return 'type' in error && typeof error.type === 'string' && !PASSING.has(error.type);
}
