/** The topic that the producer writes and the consumers read; the record's key is the `accountId`. */
export const ORDERS_TOPIC = 'orders.v1';
/** Where records go that can't be saved: raw key, value and headers, with the origin and the reason in headers. */
export const DEAD_LETTER_TOPIC = `${ORDERS_TOPIC}.dead-letter`;
/** The consumer group that saves the orders. */
export const SAVERS_GROUP = 'orders-savers';
/** The consumer group that carries dead letters into MongoDB. */
export const DEAD_LETTER_GROUP = 'orders-dead-letters';
/** The registry's subject of the record values, by the TopicNameStrategy of Confluent's serializers. */
export const ORDERS_SUBJECT = `${ORDERS_TOPIC}-value`;

/** Partitions of `orders.v1` unless said otherwise. */
export const DEFAULT_PARTITIONS = 12;

const DAY_MS = 24 * 60 * 60 * 1000;
const MAX_MESSAGE_BYTES = 1_048_576;

/** How a topic is made. `configEntries` are Kafka's own topic settings. */
export interface TopicSettings {
  readonly topic: string;
  readonly numPartitions: number;
  readonly replicationFactor: number;
  readonly configEntries: { name: string; value: string }[];
}

/**
 * The settings of both topics on a cluster of that many brokers: three copies where there are brokers for them, two of
 * which must have a record before it is acknowledged. The broker's own default would delete records after 7 days.
 */
export function topicSettings(brokers: number, partitions: number): TopicSettings[] {
  const replicationFactor = Math.min(3, brokers);
  const minInSync = { name: 'min.insync.replicas', value: replicationFactor === 3 ? '2' : '1' };
  return [
    {
      topic: ORDERS_TOPIC,
      numPartitions: partitions,
      replicationFactor,
      configEntries: [
        minInSync,
        retention(30 * DAY_MS),
        { name: 'max.message.bytes', value: String(MAX_MESSAGE_BYTES) },
      ],
    },
    {
      topic: DEAD_LETTER_TOPIC,
      numPartitions: partitions,
      replicationFactor,
      // A dead letter is the record and its reasons: it must fit where the record itself just fitted.
      configEntries: [minInSync, retention(-1), { name: 'max.message.bytes', value: String(2 * MAX_MESSAGE_BYTES) }],
    },
  ];
}

/** How long records are kept, in ms; -1: for ever. */
function retention(milliseconds: number): { name: string; value: string } {
  return { name: 'retention.ms', value: String(milliseconds) };
}
