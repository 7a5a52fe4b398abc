import { WireReader } from './wire-reader.js';
import { WireWriter } from './wire-writer.js';

export type PartitionsByTopic = Readonly<Record<string, readonly number[]>>;

export interface Subscription {
  readonly topics: readonly string[];
  /** Data from this member's assignor for the leader's assignor. */
  readonly userData: Buffer;
}

const VERSION = 0;

/** Encodes the subscription that a member sends in JoinGroup: Kafka's ConsumerProtocol, version 0. */
export function encodeSubscription({ topics, userData }: Subscription): Buffer {
  const writer = new WireWriter().int16(VERSION);
  writer.array(topics, (topic) => void writer.string(topic));
  return writer.bytesWithLength(userData).bytes;
}

/** Decodes a subscription of any version: later versions only append fields. @throws RangeError when the bytes end too early */
export function decodeSubscription(bytes: Buffer): Subscription {
  const reader = new WireReader(bytes);
  reader.int16();
  const topics = reader.array(() => reader.string());
  return { topics, userData: reader.nullableBytes() ?? Buffer.alloc(0) };
}

/** Encodes the assignment that the leader sends in SyncGroup: Kafka's ConsumerProtocol, version 0. */
export function encodeAssignment(assignment: PartitionsByTopic): Buffer {
  const writer = new WireWriter().int16(VERSION);
  writer.array(Object.entries(assignment), ([topic, partitions]) => {
    writer.string(topic);
    writer.array(partitions, (partition) => void writer.int32(partition));
  });
  return writer.bytesWithLength(Buffer.alloc(0)).bytes;
}

/** Decodes an assignment. It may be empty for a member without partitions. */
export function decodeAssignment(bytes: Buffer): PartitionsByTopic {
  if (bytes.length === 0) return {};
  const reader = new WireReader(bytes);
  reader.int16();
  return Object.fromEntries(reader.array(() => [reader.string(), reader.array(() => reader.int32())] as const));
}
