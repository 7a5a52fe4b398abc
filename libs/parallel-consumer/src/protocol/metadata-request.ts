import type { KafkaApi } from './kafka-api.js';

export interface PartitionMetadata {
  readonly partition: number;
  /** Node id of the leader; -1 when the partition has none. */
  readonly leader: number;
  readonly leaderEpoch: number;
}

export interface TopicMetadata {
  readonly errorCode: number;
  readonly name: string;
  /** A topic that is deleted and created again gets a new id (KIP-516). */
  readonly topicId: string;
  readonly partitions: readonly PartitionMetadata[];
}

export interface NodeMetadata {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | undefined;
}

export interface ClusterMetadata {
  readonly nodes: readonly NodeMetadata[];
  readonly controllerId: number;
  readonly topics: readonly TopicMetadata[];
}

const NO_UUID = '0'.repeat(32);

/** Returns the cluster's nodes, and the ids and leaders of the given topics. Since Kafka 2.8, March 2021. */
export const METADATA: KafkaApi<readonly string[], ClusterMetadata> = {
  name: 'Metadata',
  key: 3,
  version: 12,
  encode: (writer, topics) => {
    writer.compactArray(topics, (topic) => writer.uuid(NO_UUID).compactString(topic).noTags());
    const mayCreate = false;
    const withAuthorizations = false;
    writer.boolean(mayCreate).boolean(withAuthorizations).noTags();
  },
  decode: (reader) => {
    reader.int32();
    const nodes = reader.compactArray(() => {
      const nodeId = reader.int32();
      const host = reader.compactString() ?? '';
      const port = reader.int32();
      const rack = reader.compactString();
      reader.tags();
      return { nodeId, host, port, rack };
    });
    reader.compactString();
    const controllerId = reader.int32();
    const topics = reader.compactArray(() => {
      const errorCode = reader.int16();
      const name = reader.compactString() ?? '';
      const topicId = reader.uuid();
      reader.boolean();
      const partitions = reader.compactArray(() => {
        reader.int16();
        const [partition, leader, leaderEpoch] = [reader.int32(), reader.int32(), reader.int32()];
        for (let replicas = 0; replicas < 3; replicas += 1) reader.compactArray(() => reader.int32());
        reader.tags();
        return { partition, leader, leaderEpoch };
      });
      reader.int32();
      reader.tags();
      return { errorCode, name, topicId, partitions };
    });
    return { nodes, controllerId, topics };
  },
};
