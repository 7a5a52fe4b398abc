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
