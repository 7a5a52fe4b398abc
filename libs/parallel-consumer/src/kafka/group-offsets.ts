import type { Position } from '../record.js';
import { MetadataRefusedError, type CommittedPosition, type TopicPartition } from './broker.js';
import type { GroupMembership } from './group-coordinator.js';
import type { Kafka } from './kafkajs.js';
import { LazyAdmin } from './lazy-admin.js';

/** The group's commits: kafkajs's consumer doesn't hand back their metadata, and its own commit can't be trusted. */
export class GroupOffsets {
  private readonly admin: LazyAdmin;
  private membership: GroupMembership | undefined;

  constructor(
    kafka: Kafka,
    private readonly groupId: string,
  ) {
    this.admin = new LazyAdmin(kafka);
  }

  /** The membership to commit under from now on; `undefined`: none. */
  commitAs(membership: GroupMembership | undefined): void {
    this.membership = membership;
  }

  /**
   * Once, under the generation that is current now: kafkajs's own commit tries again for a minute, each time under the
   * generation of that moment, and so a commit that was given up can overwrite a later one.
   * @throws MetadataRefusedError, or anything else when it isn't certain that the offsets were committed
   */
  async commit(positions: readonly Position[]): Promise<void> {
    if (this.membership === undefined) throw new Error('not a member of the group');
    const { coordinator, generationId, memberId } = this.membership;
    const topics = [...Map.groupBy(positions, ({ topic }) => topic)].map(([topic, partitions]) => ({
      topic,
      partitions: partitions.map(({ topic: _topic, offset, ...rest }) => ({ ...rest, offset: String(offset) })),
    }));
    try {
      await coordinator.offsetCommit({
        groupId: this.groupId,
        groupGenerationId: generationId,
        memberId,
        topics,
      });
    } catch (error) {
      if (error instanceof Error && 'type' in error && error.type === 'OFFSET_METADATA_TOO_LARGE')
        throw new MetadataRefusedError('the broker takes no metadata of this size', { cause: error });
      throw error;
    }
  }

  /** @throws when the coordinator doesn't answer */
  async committed(partitions: readonly TopicPartition[]): Promise<CommittedPosition[]> {
    const admin = await this.admin.connected();
    const topics = [...new Set(partitions.map(({ topic }) => topic))];
    const found = new Map<string, { readonly offset: number; readonly metadata: string }>();
    for (const { topic, partitions: offsets } of await admin.fetchOffsets({ groupId: this.groupId, topics }))
      for (const { partition, offset, metadata } of offsets)
        if (Number(offset) >= 0)
          found.set(`${topic}-${partition}`, { offset: Number(offset), metadata: metadata ?? '' });
    return Promise.all(
      partitions.map(async ({ topic, partition }) => {
        const committed = found.get(`${topic}-${partition}`);
        if (committed !== undefined) return { topic, partition, from: committed.offset, ...committed };
        return { topic, partition, offset: undefined, from: await this.earliest({ topic, partition }), metadata: '' };
      }),
    );
  }

  /** @returns the first offset that the partition still has */
  async earliest({ topic, partition }: TopicPartition): Promise<number> {
    const admin = await this.admin.connected();
    const offsets = await admin.fetchTopicOffsets(topic);
    const found = offsets.find((each) => each.partition === partition);
    if (found === undefined) throw new Error(`${topic} has no partition ${partition}`);
    return Number(found.low);
  }

  async close(): Promise<void> {
    await this.admin.close();
  }
}
