import { isKafkaError } from '../protocol/kafka-error.js';
import { OFFSET_COMMIT, OFFSET_FETCH, type CommittedOffset } from '../protocol/offset-requests.js';
import type { Position } from '../record.js';
import { MetadataRefusedError, type CommittedPosition, type TopicPartition } from './broker.js';
import type { GroupMember } from './group-member.js';
import type { KafkaConnections } from './kafka-connections.js';
import type { TopicLog } from './topic-log.js';

const NO_EPOCH = -1;

/** What a group has committed for one topic, with the leader epoch and metadata of each offset. */
export class GroupOffsets {
  constructor(
    private readonly connections: KafkaConnections,
    private readonly log: TopicLog,
    private readonly groupId: string,
    private readonly member: GroupMember,
  ) {}

  /**
   * Once, under the generation that is current now: tried again later, it could overwrite a newer one.
   * @throws MetadataRefusedError, or anything else when it isn't certain that the offsets were committed
   */
  async commit(positions: readonly Position[]): Promise<void> {
    const { membership } = this.member;
    if (membership === undefined) throw new Error('not a member of the group');
    const topics = Map.groupBy(
      positions.map(({ leaderEpoch = NO_EPOCH, metadata = '', ...each }) => ({ ...each, leaderEpoch, metadata })),
      ({ topic }) => topic,
    );
    try {
      await this.connections.request(membership.coordinator, OFFSET_COMMIT, { ...membership, topics });
    } catch (error) {
      if (isKafkaError(error, 'OFFSET_METADATA_TOO_LARGE'))
        throw new MetadataRefusedError('the broker takes no metadata of this size', { cause: error });
      throw error;
    }
    this.member.noteContact();
  }

  /**
   * Leaves out partitions without a commit whose leader doesn't answer.
   * @throws when the coordinator doesn't answer, or none of those leaders
   */
  async committed(partitions: readonly TopicPartition[]): Promise<CommittedPosition[]> {
    const { groupId } = this;
    const topics = new Map(
      [...Map.groupBy(partitions, ({ topic }) => topic)].map(([topic, list]) => [
        topic,
        list.map(({ partition }) => partition),
      ]),
    );
    const coordinator = await this.member.findCoordinator();
    const found = await this.connections.request(coordinator, OFFSET_FETCH, { groupId, topics });
    // Read anew, so that a topic that was created again meanwhile is known by its new id.
    await this.log.refresh();
    const logId = await this.log.topicId();
    const settled = await Promise.allSettled(found.map((each) => this.positionOf(each, logId)));
    const known = settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    const [failure] = settled.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
    if (known.length === 0 && failure !== undefined) throw failure;
    return known;
  }

  private async positionOf(
    { offset, leaderEpoch, ...rest }: CommittedOffset,
    logId: string,
  ): Promise<CommittedPosition> {
    if (offset < 0) {
      const from = await this.log.edge(rest.partition, 'earliest');
      return { ...rest, offset: undefined, from, leaderEpoch: undefined, logId };
    }
    return { ...rest, offset, from: offset, leaderEpoch: leaderEpoch === NO_EPOCH ? undefined : leaderEpoch, logId };
  }
}
