import type { GroupMembership } from './group-requests.js';
import type { KafkaApi } from './kafka-api.js';
import { errorName, throwOnError } from './kafka-error.js';

export interface CommitRequest extends GroupMembership {
  readonly topics: ReadonlyMap<string, readonly CommitPartition[]>;
}

export interface CommitPartition {
  readonly partition: number;
  readonly offset: number;
  /** Leader epoch of the last record before the offset; -1 when unknown. */
  readonly leaderEpoch: number;
  readonly metadata: string;
}

export interface RejectedOffset {
  readonly topic: string;
  readonly partition: number;
  /** The protocol's name of the error. */
  readonly code: string;
}

/** Commits offsets. Returns the partitions whose offsets were rejected; the others are committed. */
export const OFFSET_COMMIT: KafkaApi<CommitRequest, readonly RejectedOffset[]> = {
  name: 'OffsetCommit',
  key: 8,
  version: 8,
  encode: (writer, { groupId, generationId, memberId, topics }) => {
    writer.compactString(groupId).int32(generationId).compactString(memberId).compactString(undefined);
    writer.compactArray([...topics], ([topic, partitions]) => {
      writer.compactString(topic);
      writer.compactArray(partitions, ({ partition, offset, leaderEpoch, metadata }) =>
        writer.int32(partition).int64(offset).int32(leaderEpoch).compactString(metadata).noTags(),
      );
      writer.noTags();
    });
    writer.noTags();
  },
  decode: (reader) => {
    reader.int32();
    const rejected: RejectedOffset[] = [];
    reader.compactArray(() => {
      const topic = reader.compactString() ?? '';
      reader.compactArray(() => {
        const [partition, code] = [reader.int32(), reader.int16()];
        if (code !== 0) rejected.push({ topic, partition, code: errorName(code) });
        reader.tags();
      });
      reader.tags();
    });
    return rejected;
  },
};

export interface OffsetFetchRequest {
  readonly groupId: string;
  readonly topics: ReadonlyMap<string, readonly number[]>;
}

export interface CommittedOffset {
  readonly topic: string;
  readonly partition: number;
  /** -1 when nothing is committed. */
  readonly offset: number;
  readonly leaderEpoch: number;
  readonly metadata: string;
}

export const OFFSET_FETCH: KafkaApi<OffsetFetchRequest, readonly CommittedOffset[]> = {
  name: 'OffsetFetch',
  key: 9,
  version: 7,
  encode: (writer, { groupId, topics }) => {
    writer.compactString(groupId);
    writer.compactArray([...topics], ([topic, partitions]) => {
      writer.compactString(topic);
      writer.compactArray(partitions, (partition) => writer.int32(partition));
      writer.noTags();
    });
    const requireStable = true;
    writer.boolean(requireStable).noTags();
  },
  decode: (reader) => {
    reader.int32();
    const topics = reader.compactArray(() => {
      const topic = reader.compactString() ?? '';
      const partitions = reader.compactArray(() => {
        const committed = { topic, partition: reader.int32(), offset: reader.int64(), leaderEpoch: reader.int32() };
        const metadata = reader.compactString() ?? '';
        throwOnError(reader.int16(), 'OffsetFetch');
        reader.tags();
        return { ...committed, metadata };
      });
      reader.tags();
      return partitions;
    });
    throwOnError(reader.int16(), 'OffsetFetch');
    return topics.flat();
  },
};

/** The first offset of a partition, or the offset after its last record. */
export type LogEdge = 'earliest' | 'end';

export interface ListOffsetsRequest {
  readonly topic: string;
  readonly partition: number;
  /** A number: the first record with this timestamp or a later one, in ms since 1970. */
  readonly edge: LogEdge | number;
}

const TIMESTAMPS = { earliest: -2, end: -1 } as const;

/** Returns an offset; -1: no record has the timestamp. The end is the high watermark, regardless of open transactions. */
export const LIST_OFFSETS: KafkaApi<ListOffsetsRequest, number> = {
  name: 'ListOffsets',
  key: 2,
  version: 7,
  encode: (writer, { topic, partition, edge }) => {
    const consumer = -1;
    const readUncommitted = 0;
    const anyEpoch = -1;
    writer.int32(consumer).int8(readUncommitted);
    const time = typeof edge === 'number' ? edge : TIMESTAMPS[edge];
    writer.compactArray([topic], (name) => {
      writer.compactString(name);
      writer.compactArray([partition], (index) => writer.int32(index).int32(anyEpoch).int64(time).noTags());
      writer.noTags();
    });
    writer.noTags();
  },
  decode: (reader) => {
    reader.int32();
    const offsets = reader.compactArray(() => {
      reader.compactString();
      const partitions = reader.compactArray(() => {
        reader.int32();
        throwOnError(reader.int16(), 'ListOffsets');
        reader.int64();
        const offset = reader.int64();
        reader.int32();
        reader.tags();
        return offset;
      });
      reader.tags();
      return partitions;
    });
    const [offset = -1] = offsets.flat();
    return offset;
  },
};
