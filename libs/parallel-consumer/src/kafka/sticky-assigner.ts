import { decodeSubscription, encodeAssignment, type PartitionsByTopic } from '../protocol/consumer-protocol.js';
import type { TopicPartition } from './broker.js';
import type { Assignor } from './group-member.js';
import { stickyAssignment } from './sticky-assignment.js';

/** A member's own partitions as it reports them to the leader: JSON in the protocol's user data. */
export interface Ownership {
  readonly since: number;
  readonly owned: PartitionsByTopic;
}

/**
 * Under the second name, plain kafkajs consumers share partitions out by turns: a group of theirs can change over member by
 * member. An assignment by either name is only a list of partitions, so the sticky one serves for both.
 */
const NAMES = ['ParallelConsumerSticky', 'RoundRobinAssigner'];
const NOTHING: Ownership = { since: 0, owned: {} };

/** Shares partitions out evenly and lets members keep what they have: all members must offer it. */
export function stickyAssignor(
  ownership: () => Ownership,
  partitionsOf: () => Promise<readonly TopicPartition[]>,
): Assignor {
  return {
    names: NAMES,
    userData: () => Buffer.from(JSON.stringify(ownership())),
    assign: async (members) => {
      const partitions = new Map((await partitionsOf()).map((each) => [`${each.topic}-${each.partition}`, each]));
      const claims = members.map(({ memberId, subscription }) => {
        const { since, owned } = ownershipIn(subscription);
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

/** A member whose user data can't be read has nothing to keep; that must not fail the whole group's join. */
function ownershipIn(subscription: Buffer): Ownership {
  try {
    const { since, owned } = JSON.parse(decodeSubscription(subscription).userData.toString()) as Partial<Ownership>;
    return typeof since === 'number' && typeof owned === 'object' ? { since, owned } : NOTHING;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return NOTHING;
    throw error;
  }
}
