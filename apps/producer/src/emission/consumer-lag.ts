import { recordsBetween, type TopicPositions } from '#orders/topic-positions.js';
import { ORDERS_TOPIC, SAVERS_GROUP } from '#orders/topics.js';

/** How far the savers are behind the end of the orders' topic, in records: by what they have committed. @throws when Kafka doesn't answer */
export async function consumerLag(positions: TopicPositions): Promise<number> {
  const [committed, ends] = await Promise.all([
    positions.committed(SAVERS_GROUP, ORDERS_TOPIC),
    positions.ends(ORDERS_TOPIC),
  ]);
  return recordsBetween(committed, ends);
}
