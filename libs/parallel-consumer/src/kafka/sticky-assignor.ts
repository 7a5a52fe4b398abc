import { partitionName, type TopicPartition } from '../broker/broker.js';
import type { JoinResponse } from '../protocol/group-requests.js';
import {
  decodeSubscription,
  encodeAssignment,
  type PartitionsByTopic,
  type Subscription,
} from '../protocol/consumer-protocol.js';
import type { Assignor } from './assignor.js';
import type { Ownership, Rebalancing } from './owned-partitions.js';
import { balancePartitions, type MemberClaim } from './balance-partitions.js';

/**
 * kafkajs consumers use the second name for their round-robin assigner, so a kafkajs group can migrate member by member.
 * An assignment is a list of partitions under either name, so the sticky assignment serves both.
 */
const EAGER_NAMES = ['ParallelConsumerSticky', 'RoundRobinAssigner'];
/** Another name: the members of a cooperative group go on during a rebalance, which those of an eager one must not. */
const COOPERATIVE_NAMES = ['ParallelConsumerCooperative'];
const NO_PARTITIONS: Ownership = { since: 0, owned: {} };

/** A member as the leader sees it. */
interface Claim extends MemberClaim {
  readonly topics: readonly string[];
}

/**
 * Assigns partitions evenly and lets members keep the ones they own. All members must support this assignor. While the members differ in their
 * topics, as during an update that adds one, each topic is divided by itself among those that read it. In a cooperative group, a partition that
 * another member still claims is assigned to none: the rebalance after its surrender assigns it.
 * @param listPartitions returns the partitions of topics, for the leader
 */
export function stickyAssignor(
  rebalancing: Rebalancing,
  ownership: () => Ownership,
  listPartitions: (topics: readonly string[]) => Promise<readonly TopicPartition[]>,
): Assignor {
  const isCooperative = rebalancing === 'cooperative';
  return {
    names: isCooperative ? COOPERATIVE_NAMES : EAGER_NAMES,
    userData: () => Buffer.from(JSON.stringify(ownership())),
    assign: async (members) => {
      const claims = members.map(toClaim);
      const assigned = new Map<string, TopicPartition[]>(members.map(({ memberId }) => [memberId, []]));
      const partitions = await listPartitions([...new Set(claims.flatMap(({ topics }) => topics))]);
      const owners = isCooperative ? ownersOf(claims) : new Map<string, string>();
      const isFree = (name: string, memberId: string): boolean => (owners.get(name) ?? memberId) === memberId;
      for (const { readers, shared } of divided(claims, partitions)) {
        const byName = new Map(shared.map((each) => [partitionName(each), each]));
        for (const [memberId, names] of balancePartitions(readers, [...byName.keys()]))
          assigned
            .get(memberId)
            ?.push(...names.flatMap((name) => (isFree(name, memberId) ? (byName.get(name) ?? []) : [])));
      }
      return new Map([...assigned].map(([memberId, list]) => [memberId, encodeAssignment(byTopic(list))]));
    },
  };
}

/** Returns who owns each partition: of several claims the latest one, because the others missed a generation. */
function ownersOf(claims: readonly Claim[]): Map<string, string> {
  const byClaim = claims.toSorted((a, b) => a.claimedGeneration - b.claimedGeneration);
  return new Map(byClaim.flatMap(({ id, owned }) => owned.map((name) => [name, id] as const)));
}

function byTopic(partitions: readonly TopicPartition[]): PartitionsByTopic {
  const numbers = [...Map.groupBy(partitions, ({ topic }) => topic)].map(
    ([topic, list]) => [topic, list.map(({ partition }) => partition)] as const,
  );
  return Object.fromEntries(numbers);
}

/** Returns which members share which partitions. */
function divided(
  claims: readonly Claim[],
  partitions: readonly TopicPartition[],
): { readonly readers: readonly Claim[]; readonly shared: readonly TopicPartition[] }[] {
  const isUniform = claims.every(({ topics }) => partitions.every(({ topic }) => topics.includes(topic)));
  if (isUniform) return [{ readers: claims, shared: partitions }];
  return [...Map.groupBy(partitions, ({ topic }) => topic)].map(([topic, shared]) => ({
    readers: claims.filter(({ topics }) => topics.includes(topic)),
    shared,
  }));
}

function toClaim({ memberId, subscription }: JoinResponse['members'][number]): Claim {
  const { topics, userData } = subscriptionOf(subscription);
  const { since, owned } = decodeOwnership(userData);
  const names = Object.entries(owned).flatMap(([topic, numbers]) =>
    numbers.map((partition) => partitionName({ topic, partition })),
  );
  return { id: memberId, topics, owned: names, claimedGeneration: since };
}

/** Treats an unreadable subscription as one to nothing: one member's data must not fail the join of the whole group. */
function subscriptionOf(bytes: Buffer): Subscription {
  try {
    return decodeSubscription(bytes);
  } catch (error) {
    if (error instanceof RangeError) return { topics: [], userData: Buffer.alloc(0) };
    throw error;
  }
}

/** Treats unreadable user data as no owned partitions, for the same reason. */
function decodeOwnership(userData: Buffer): Ownership {
  try {
    const { since, owned } = JSON.parse(userData.toString()) as Partial<Ownership>;
    return typeof since === 'number' && typeof owned === 'object' ? { since, owned } : NO_PARTITIONS;
  } catch (error) {
    if (error instanceof SyntaxError) return NO_PARTITIONS;
    throw error;
  }
}
