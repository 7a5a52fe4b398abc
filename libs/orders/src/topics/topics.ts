/** The topic that the producer writes and the consumers read; the record's key is the `accountId`. */
export const ORDERS_TOPIC = 'orders.v1';
/** The topic of records that can't be saved: raw key, value and headers, with the origin and the reason in extra headers. */
export const DEAD_LETTER_TOPIC = `${ORDERS_TOPIC}.dead-letter`;
/** The consumer group that saves the orders. */
export const ORDERS_CONSUMER_GROUP = 'orders-savers';
/** The consumer group that projects dead letters into MongoDB. */
export const DEAD_LETTER_GROUP = 'orders-dead-letters';
/** The registry subject of the record values, following the TopicNameStrategy of Confluent's serializers. */
export const ORDERS_SUBJECT = `${ORDERS_TOPIC}-value`;

/** Default number of partitions of `orders.v1`. */
export const DEFAULT_PARTITIONS = 12;

const DAY_MS = 24 * 60 * 60 * 1000;
const MAX_MESSAGE_BYTES = 1_048_576;

/** The settings of a new topic. `configEntries` are Kafka's topic settings. */
export interface TopicSettings {
  readonly topic: string;
  readonly numPartitions: number;
  readonly replicationFactor: number;
  readonly configEntries: { name: string; value: string }[];
}

/** How many partitions the orders topic has, and how safely both topics keep their records. */
export interface TopicSafety {
  readonly partitions: number;
  /** Copies of each record. */
  readonly replicationFactor: number;
  /** Copies that must exist before a record is acknowledged. */
  readonly minInSyncReplicas: number;
}

/** Returns the settings of both topics. The retention is explicit: the broker's default is 7 days. */
export function topicSettings({ partitions, replicationFactor, minInSyncReplicas }: TopicSafety): TopicSettings[] {
  const safe = [
    { name: 'min.insync.replicas', value: String(minInSyncReplicas) },
    // Otherwise a replica that lacks acknowledged records may become the leader.
    { name: 'unclean.leader.election.enable', value: 'false' },
    // A client's clock can be wrong: Kafka would reject records from the future, and delete those from the past before they are read.
    { name: 'message.timestamp.type', value: 'LogAppendTime' },
  ];
  return [
    {
      topic: ORDERS_TOPIC,
      numPartitions: partitions,
      replicationFactor,
      configEntries: [...safe, retention(30 * DAY_MS), { name: 'max.message.bytes', value: String(MAX_MESSAGE_BYTES) }],
    },
    {
      topic: DEAD_LETTER_TOPIC,
      numPartitions: partitions,
      replicationFactor,
      // A dead letter is larger than its record, since it adds the reason as headers.
      configEntries: [...safe, retention(-1), { name: 'max.message.bytes', value: String(2 * MAX_MESSAGE_BYTES) }],
    },
  ];
}

/** Returns the retention setting, in milliseconds; -1 keeps records for ever. */
function retention(milliseconds: number): { name: string; value: string } {
  return { name: 'retention.ms', value: String(milliseconds) };
}

const SEED = 0x9747b28c;
const MULTIPLIER = 0x5bd1e995;

/** Chooses the same partition for a key as Kafka's Java client, so that records of other producers keep an account's order too. */
export function javaCompatiblePartitioner(partitions: number): (key: string) => number {
  return (key) => {
    const bytes = Buffer.byteLength(key) === key.length ? key : Buffer.from(key).toString('latin1');
    return (murmur2(bytes) & 0x7fffffff) % partitions;
  };
}

/**
 * Computes MurmurHash2 (Austin Appleby, public domain) like Kafka's Java client. The version in kafkajs uses BigInt and took a
 * tenth of the producer's CPU time.
 * @param bytes a string with one character per byte: most keys have this form already
 */
function murmur2(bytes: string): number {
  const { length } = bytes;
  const words = length & ~3;
  let hash = SEED ^ length;
  for (let at = 0; at < words; at += 4) {
    const low = bytes.charCodeAt(at) | (bytes.charCodeAt(at + 1) << 8);
    const high = bytes.charCodeAt(at + 2) | (bytes.charCodeAt(at + 3) << 8);
    let k = Math.imul(low | (high << 16), MULTIPLIER);
    k = Math.imul(k ^ (k >>> 24), MULTIPLIER);
    hash = Math.imul(hash, MULTIPLIER) ^ k;
  }
  const rest = length - words;
  if (rest === 3) hash ^= bytes.charCodeAt(words + 2) << 16;
  if (rest >= 2) hash ^= bytes.charCodeAt(words + 1) << 8;
  if (rest >= 1) hash = Math.imul(hash ^ bytes.charCodeAt(words), MULTIPLIER);
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER);
  return hash ^ (hash >>> 15);
}

/** Offsets by partition. */
export type Positions = ReadonlyMap<number, number>;

/** Reads the offsets of topics, and the committed offsets of consumer groups. */
export interface TopicPositions {
  /**
   * Reads the end offsets: the offsets that the next records will get.
   * @throws when Kafka is unavailable
   */
  ends(topic: string): Promise<Positions>;
  /**
   * Reads the group's committed offsets: all records before them are finished. For a partition without a committed offset it
   * returns the log start offset, where the group will begin.
   * @throws when Kafka is unavailable
   */
  committed(groupId: string, topic: string): Promise<Positions>;
}

/** Counts the records between two positions of a topic. */
export function recordsBetween(from: Positions, to: Positions): number {
  return [...to].reduce((sum, [partition, offset]) => sum + Math.max(0, offset - (from.get(partition) ?? 0)), 0);
}
