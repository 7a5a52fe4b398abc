import { decodeSubscription, encodeAssignment, type PartitionsByTopic } from '../protocol/consumer-protocol.js';
import type { TopicPartition } from '../broker/broker.js';
import type { Assignor } from './assignor.js';
import { stickyAssignment } from './sticky-assignment.js';

/** The partitions that a member owns, as it reports them to the group leader: JSON in the protocol's user data. */
export interface Ownership {
  readonly since: number;
  readonly owned: PartitionsByTopic;
}

/**
 * kafkajs consumers use the second name for their round-robin assigner, so a kafkajs group can migrate member by member.
 * An assignment is a list of partitions under either name, so the sticky assignment serves both.
 */
const NAMES = ['ParallelConsumerSticky', 'RoundRobinAssigner'];
const NO_PARTITIONS: Ownership = { since: 0, owned: {} };

/** Assigns partitions evenly and lets members keep the ones they own. All members must support this assignor. */
export function stickyAssignor(
  ownership: () => Ownership,
  listPartitions: () => Promise<readonly TopicPartition[]>,
): Assignor {
  return {
    names: NAMES,
    userData: () => Buffer.from(JSON.stringify(ownership())),
    assign: async (members) => {
      const partitions = new Map((await listPartitions()).map((each) => [`${each.topic}-${each.partition}`, each]));
      const claims = members.map(({ memberId, subscription }) => {
        const { since, owned } = decodeOwnership(subscription);
        const names = Object.entries(owned).flatMap(([topic, numbers]) => numbers.map((each) => `${topic}-${each}`));
        return { id: memberId, owned: names, ownedSince: since };
      });
      const shares = stickyAssignment(claims, [...partitions.keys()]);
      return new Map(
        [...shares].map(([memberId, names]) => {
          const assignment: Record<string, number[]> = {};
          for (const name of names) {
            const { topic, partition } = partitions.get(name) as TopicPartition;
            (assignment[topic] ??= []).push(partition);
          }
          return [memberId, encodeAssignment(assignment)] as const;
        }),
      );
    },
  };
}

/** Treats unreadable user data as no owned partitions: one member's data must not fail the join of the whole group. */
function decodeOwnership(subscription: Buffer): Ownership {
  try {
    const { since, owned } = JSON.parse(decodeSubscription(subscription).userData.toString()) as Partial<Ownership>;
    return typeof since === 'number' && typeof owned === 'object' ? { since, owned } : NO_PARTITIONS;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return NO_PARTITIONS;
    throw error;
  }
}
