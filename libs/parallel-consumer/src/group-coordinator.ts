/** The parts of kafkajs's internal cluster and broker that the group membership goes through. */
export interface GroupCluster {
  findGroupCoordinator(group: { groupId: string }): Promise<GroupCoordinator>;
}

export interface GroupCoordinator {
  heartbeat(payload: object): Promise<unknown>;
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

/** A heartbeat that can't reach its coordinator must lead to a look for the new one, which only this error type does. */
function reportMovedCoordinator(coordinator: GroupCoordinator & { [HOOKED]?: true }): GroupCoordinator {
  if (coordinator[HOOKED]) return coordinator;
  coordinator[HOOKED] = true;
  const beat = coordinator.heartbeat.bind(coordinator);
  coordinator.heartbeat = async (payload) => {
    try {
      return await beat(payload);
    } catch (error) {
      if (!(error instanceof Error) || ('type' in error && error.type !== undefined)) throw error;
      throw Object.assign(new Error('the coordinator does not answer', { cause: error }), {
        name: 'KafkaJSProtocolError',
        type: 'NOT_COORDINATOR_FOR_GROUP',
        retriable: true,
      });
    }
  };
  return coordinator;
}
