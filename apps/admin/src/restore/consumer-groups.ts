import type { Admin } from 'kafkajs';
import { GROUPS } from '../backup/kafka-state.js';
import type { StartOffset } from './kafka-obstacles.js';
import { RestoreError } from './restore-error.js';

/** States of a group without members. */
const WITHOUT_MEMBERS: ReadonlySet<string> = new Set(['Empty', 'Dead']);

/** @throws RestoreError `group-has-members`: Kafka moves no offsets of such a group, and its consumers would go on behind them */
export async function requireNoMembers(admin: Admin): Promise<void> {
  const { groups } = await admin.describeGroups(GROUPS.map(({ id }) => id));
  const busy = groups.find(({ state }) => !WITHOUT_MEMBERS.has(state));
  if (busy === undefined) return;
  const members = busy.members.map(({ clientId, clientHost }) => `${clientId} at ${clientHost.replace(/^\//, '')}`);
  throw new RestoreError(
    'group-has-members',
    `Consumer group ${busy.groupId} has members (${members.join(', ') || busy.state}): stop the consumers. Kafka notices killed ones after 10 s.`,
  );
}

/**
 * Commits offsets without metadata: that of the last commit says which later records are done, and they are not any more.
 * @throws Error if Kafka has other offsets afterwards, or kafkajs's error
 */
export async function commitOffsets(admin: Admin, offsets: readonly StartOffset[]): Promise<void> {
  for (const { id: groupId, topic } of GROUPS) {
    const own = offsets.filter((each) => each.groupId === groupId && each.topic === topic);
    const partitions = own.map(({ partition, offset }) => ({ partition, offset: String(offset) }));
    if (partitions.length === 0) continue;
    await admin.setOffsets({ groupId, topic, partitions });
    const [committed] = await admin.fetchOffsets({ groupId, topics: [topic] });
    const found = new Map(committed?.partitions.map(({ partition, offset }) => [partition, offset]));
    const other = partitions.find(({ partition, offset }) => found.get(partition) !== offset);
    if (other !== undefined)
      throw new Error(
        `Kafka did not take offset ${other.offset} of ${groupId} for ${topic} partition ${other.partition}: run the restore again`,
      );
  }
}
