import { KafkaError } from '../protocol/kafka-error.js';
import { OFFSET_COMMIT, OFFSET_FETCH, type CommittedOffset } from '../protocol/offset-requests.js';
import type { Position } from '../records/record.js';
import {
  MetadataRejectedError,
  PartitionsRejectedError,
  type CommittedPosition,
  type TopicPartition,
} from '../broker/broker.js';
import type { GroupMember } from './group-member.js';
import type { KafkaConnections } from './kafka-connections.js';
import type { StartPositions } from './start-positions.js';
import type { TopicLogs } from './topic-logs.js';

const NO_EPOCH = -1;
/** Errors of single partitions. The coordinator answers with any other one for all of them. */
const PARTITION_ERRORS = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'UNKNOWN_TOPIC_ID', 'TOPIC_AUTHORIZATION_FAILED']);

/** Commits and reads a group's offsets, with the leader epoch and metadata of each offset. */
export class GroupOffsets {
  constructor(
    private readonly connections: KafkaConnections,
    private readonly logs: TopicLogs,
    private readonly groupId: string,
    private readonly member: GroupMember,
    private readonly start: StartPositions,
  ) {}

  /**
   * Commits once, under the current generation, without retries: a late retry could overwrite a newer commit.
   * @throws MetadataRejectedError; PartitionsRejectedError when only some were committed; another error when none may have been
   */
  async commit(positions: readonly Position[]): Promise<void> {
    const { membership } = this.member;
    if (membership === undefined) throw new Error('not a member of the group');
    const topics = Map.groupBy(
      positions.map(({ leaderEpoch = NO_EPOCH, metadata = '', ...each }) => ({ ...each, leaderEpoch, metadata })),
      ({ topic }) => topic,
    );
    const rejected = await this.connections.request(membership.coordinator, OFFSET_COMMIT, { ...membership, topics });
    const other = rejected.find(({ code }) => !PARTITION_ERRORS.has(code));
    if (other?.code === 'OFFSET_METADATA_TOO_LARGE')
      throw new MetadataRejectedError('the broker rejected the size of the commit metadata');
    if (other !== undefined) throw new KafkaError(other.code, 'OffsetCommit');
    this.member.coordinator.noteContact();
    if (rejected.length > 0) throw new PartitionsRejectedError(rejected);
  }

  /**
   * Returns the committed positions. Omits partitions that have no commit and whose leader does not respond.
   * @throws when the coordinator does not respond, or no position is known because no leader responds
   */
  async committed(partitions: readonly TopicPartition[]): Promise<CommittedPosition[]> {
    const { groupId } = this;
    const topics = new Map(
      [...Map.groupBy(partitions, ({ topic }) => topic)].map(([topic, list]) => [
        topic,
        list.map(({ partition }) => partition),
      ]),
    );
    const coordinator = await this.member.coordinator.find();
    const found = await this.connections.request(coordinator, OFFSET_FETCH, { groupId, topics });
    const settled = await Promise.allSettled(found.map((each) => this.toCommittedPosition(each)));
    const known = settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    const [failure] = settled.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
    if (known.length === 0 && failure !== undefined) throw failure;
    return known;
  }

  private async toCommittedPosition({ offset, leaderEpoch, ...rest }: CommittedOffset): Promise<CommittedPosition> {
    const log = this.logs.of(rest.topic);
    // A topic that was recreated since the last refresh has a new id.
    await log.refresh();
    const logId = await log.topicId();
    if (offset < 0) {
      const from = await this.start.of(rest);
      return { ...rest, offset: undefined, from, leaderEpoch: undefined, logId };
    }
    return { ...rest, offset, from: offset, leaderEpoch: leaderEpoch === NO_EPOCH ? undefined : leaderEpoch, logId };
  }
}
