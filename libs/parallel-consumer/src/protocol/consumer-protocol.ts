import { WireReader } from './wire-reader.js';
import { WireWriter } from './wire-writer.js';

/** Partitions by topic. */
export type PartitionsByTopic = Readonly<Record<string, readonly number[]>>;

export interface Subscription {
  readonly topics: readonly string[];
  /** What the assignor of this member has to say to the leader's. */
  readonly userData: Buffer;
}

const VERSION = 0;

/** What members of a group say to each other in JoinGroup and SyncGroup: Kafka's ConsumerProtocol, version 0. */
export function encodeSubscription({ topics, userData }: Subscription): Buffer {
  const writer = new WireWriter().int16(VERSION);
  writer.array(topics, (topic) => void writer.string(topic));
  return writer.bytesWithLength(userData).bytes;
}

/** Later versions add fields at the end only. @throws RangeError for bytes that end too early */
export function decodeSubscription(bytes: Buffer): Subscription {
  const reader = new WireReader(bytes);
  reader.int16();
  const topics = reader.array(() => reader.string());
  return { topics, userData: reader.nullableBytes() ?? Buffer.alloc(0) };
}

export function encodeAssignment(assignment: PartitionsByTopic): Buffer {
  const writer = new WireWriter().int16(VERSION);
  writer.array(Object.entries(assignment), ([topic, partitions]) => {
    writer.string(topic);
    writer.array(partitions, (partition) => void writer.int32(partition));
  });
  return writer.bytesWithLength(Buffer.alloc(0)).bytes;
}

/** A member that got nothing may have no bytes at all. */
export function decodeAssignment(bytes: Buffer): PartitionsByTopic {
  if (bytes.length === 0) return {};
  const reader = new WireReader(bytes);
  reader.int16();
  return Object.fromEntries(reader.array(() => [reader.string(), reader.array(() => reader.int32())] as const));
}
