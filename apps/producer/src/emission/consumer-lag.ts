import { recordsBetween, type TopicPositions, ORDERS_TOPIC, ORDERS_CONSUMER_GROUP } from '#orders/topics/topics.js';

/** Returns the consumer lag on the orders topic, in records, by committed offsets. @throws when Kafka does not respond */
export async function consumerLag(positions: TopicPositions): Promise<number> {
  const [committed, ends] = await Promise.all([
    positions.committed(ORDERS_CONSUMER_GROUP, ORDERS_TOPIC),
    positions.ends(ORDERS_TOPIC),
  ]);
  return recordsBetween(committed, ends);
}
