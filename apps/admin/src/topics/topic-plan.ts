import type { TopicSettings } from '#orders/topics/topics.js';
import { topicDifferences, type FoundTopic, type TopicDifference } from '#service/kafka/topic-differences.js';

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
  return {
    missing: wanted.filter(({ topic }) => !found.has(topic)),
    differences: existing.flatMap(({ settings, topic }) => topicDifferences(settings, topic)),
    left: existing.flatMap(({ settings: { topic }, topic: { partitions: count } }) =>
      partitions === undefined || count === partitions
        ? []
        : [
            `Topic ${topic} has ${count} partitions, not ${partitions}: apply adds none, since accounts would lose their order.`,
          ],
    ),
  };
}
