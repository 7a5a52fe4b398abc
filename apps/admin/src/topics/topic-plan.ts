import { DEAD_LETTER_TOPIC, ORDERS_TOPIC, type TopicSettings } from '#orders/topics/topics.js';
import { topicDifferences, type FoundTopic, type TopicDifference } from '#service/kafka/prepare-topics.js';

/** What `apply` would do, in this order. */
export interface TopicPlan {
  /** Topics to create. */
  readonly missing: readonly TopicSettings[];
  /** Differences of existing topics. */
  readonly differences: readonly TopicDifference[];
  /** Differences that `apply` leaves: partitions are never added, because accounts would move to others and lose their order. */
  readonly left: readonly string[];
}

/** Compares what exists with what the settings want. @param partitions wanted of the orders topic; `undefined`: as they are */
export function planTopics(
  wanted: readonly TopicSettings[],
  found: ReadonlyMap<string, FoundTopic>,
  partitions: number | undefined,
): TopicPlan {
  const existing = wanted.flatMap((settings) => {
    const topic = found.get(settings.topic);
    return topic === undefined ? [] : [{ settings, topic }];
  });
  // A dead letter keeps its partition number.
  const least = found.get(ORDERS_TOPIC)?.partitions ?? 0;
  return {
    missing: wanted
      .filter(({ topic }) => !found.has(topic))
      .map(({ topic, numPartitions, replicationFactor, configEntries }) => ({
        topic,
        numPartitions: Math.max(numPartitions, least),
        replicationFactor,
        configEntries,
      })),
    differences: existing.flatMap(({ settings, topic }) => topicDifferences(settings, topic)),
    left: wrongPartitions(found, partitions),
  };
}

function wrongPartitions(found: ReadonlyMap<string, FoundTopic>, wanted: number | undefined): string[] {
  const orders = found.get(ORDERS_TOPIC)?.partitions;
  const deadLetters = found.get(DEAD_LETTER_TOPIC)?.partitions;
  const lines: string[] = [];
  if (orders !== undefined && wanted !== undefined && orders !== wanted)
    lines.push(
      `Topic ${ORDERS_TOPIC} has ${orders} partitions, not ${wanted}: apply adds none, since accounts would lose their order. Set TOPIC_PARTITIONS=${orders}.`,
    );
  if (orders !== undefined && deadLetters !== undefined && deadLetters < orders)
    lines.push(
      `Topic ${DEAD_LETTER_TOPIC} has ${deadLetters} partitions, fewer than the ${orders} of ${ORDERS_TOPIC}: a dead letter keeps its partition number. Increase it to ${orders}.`,
    );
  return lines;
}
