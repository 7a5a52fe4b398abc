/** The parts of kafkajs's internal cluster and broker that the group membership goes through. */
export interface GroupCluster {
  findGroupCoordinator(group: { groupId: string }): Promise<GroupCoordinator>;
}

export interface GroupCoordinator {
  heartbeat(payload: object): Promise<unknown>;
  joinGroup(payload: object): Promise<unknown>;
  syncGroup(payload: object): Promise<unknown>;
}

export interface JoinHook {
  /** Runs before each JoinGroup, while the old generation may still commit. */
  beforeJoin(): Promise<void>;
  /** Whether to go on looking for a coordinator. */
  isWanted(): boolean;
  /** A look for the coordinator failed. Resolves when it's time for the next. */
  afterFailure(error: unknown): Promise<void>;
}

const HOOKED = Symbol('hooked');

/**
 * kafkajs has no hook before a join, gives up for good when looking for the coordinator fails in an unlucky way, and goes
 * on beating to a coordinator that moved. All three meet in `findGroupCoordinator`, which a consumer calls exactly once
 * before each JoinGroup: wrapping it mends them without a fork.
 */
export function hookGroupCoordinator(
  cluster: GroupCluster & { [HOOKED]?: true },
  groupId: string,
  hook: JoinHook,
): void {
  if (cluster[HOOKED]) return;
  cluster[HOOKED] = true;
  const find = cluster.findGroupCoordinator.bind(cluster);
  cluster.findGroupCoordinator = async (group) => {
    if (group.groupId !== groupId) return find(group);
    await hook.beforeJoin();
    for (;;) {
      try {
        return reportMovedCoordinator(await find(group));
      } catch (error) {
        if (!hook.isWanted()) throw error;
        await hook.afterFailure(error);
      }
    }
  };
}

/** What a coordinator says while it moves or starts; kafkajs takes these for final where they are not. */
const PASSING = new Set(['GROUP_LOAD_IN_PROGRESS', 'GROUP_COORDINATOR_NOT_AVAILABLE']);

/**
 * A heartbeat, join or sync that can't reach its coordinator, or meets one that is still loading, must lead to a look for
 * the coordinator and another join. Only this error type does: after any other one kafkajs goes on with the old membership,
 * or with none at all, and never joins again.
 */
function reportMovedCoordinator(coordinator: GroupCoordinator & { [HOOKED]?: true }): GroupCoordinator {
  if (coordinator[HOOKED]) return coordinator;
  coordinator[HOOKED] = true;
  for (const request of ['heartbeat', 'joinGroup', 'syncGroup'] as const) {
    const send = coordinator[request].bind(coordinator);
    coordinator[request] = async (payload) => {
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
  return coordinator;
}

/** Whether the broker's answer means something of its own; connection errors and time-outs have no type. */
function isFinal(error: Error): boolean {
  return 'type' in error && typeof error.type === 'string' && !PASSING.has(error.type);
}
