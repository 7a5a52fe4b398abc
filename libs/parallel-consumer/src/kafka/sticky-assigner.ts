import type { TopicPartition } from './broker.js';
import { AssignerProtocol, type Assigner, type Cluster } from './kafkajs.js';
import { stickyAssignment } from './sticky-assignment.js';

/** What a member tells the one that assigns, as JSON in the protocol's user data. */
interface Ownership {
  readonly since: number;
  /** Partitions by topic. */
  readonly owned: Readonly<Record<string, readonly number[]>>;
}

const NAME = 'ParallelConsumerSticky';
const VERSION = 1;
const NOTHING: Ownership = { since: 0, owned: {} };

/** The sticky assignment as kafkajs runs it: all members must offer it, under this name. */
export function stickyAssigner(cluster: Cluster, ownership: () => Ownership): Assigner {
  return {
    name: NAME,
    version: VERSION,
    protocol: ({ topics }) => ({
      name: NAME,
      metadata: AssignerProtocol.MemberMetadata.encode({
        version: VERSION,
        topics,
        userData: Buffer.from(JSON.stringify(ownership())),
      }),
    }),
    assign: async ({ members, topics }) => {
      const partitions = new Map<string, TopicPartition>();
      for (const topic of topics)
        for (const { partitionId } of cluster.findTopicPartitionMetadata(topic))
          partitions.set(`${topic}-${partitionId}`, { topic, partition: partitionId });
      const claims = members.map(({ memberId, memberMetadata }) => {
        const { since, owned } = ownershipIn(memberMetadata);
        const names = Object.entries(owned).flatMap(([topic, numbers]) => numbers.map((each) => `${topic}-${each}`));
        return { id: memberId, owned: names, ownedSince: since };
      });
      return [...stickyAssignment(claims, [...partitions.keys()])].map(([memberId, names]) => {
        const assignment: Record<string, number[]> = {};
        for (const name of names) {
          const { topic, partition } = partitions.get(name) as TopicPartition;
          (assignment[topic] ??= []).push(partition);
        }
        return {
          memberId,
          memberAssignment: AssignerProtocol.MemberAssignment.encode({
            version: VERSION,
            assignment,
            userData: Buffer.alloc(0),
          }),
        };
      });
    },
  };
}

/** A member whose user data can't be read has nothing to keep; that must not fail the whole group's join. */
function ownershipIn(metadata: Buffer): Ownership {
  try {
    const text = AssignerProtocol.MemberMetadata.decode(metadata)?.userData.toString() ?? '';
    const { since, owned } = JSON.parse(text) as Partial<Ownership>;
    return typeof since === 'number' && typeof owned === 'object' ? { since, owned } : NOTHING;
  } catch (error) {
    if (error instanceof SyntaxError) return NOTHING;
    throw error;
  }
}
