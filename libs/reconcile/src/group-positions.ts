import type { TopicPositions } from '#orders/topics/positions.js';
import { DEAD_LETTER_GROUP, DEAD_LETTER_TOPIC, ORDERS_TOPIC, ORDERS_CONSUMER_GROUP } from '#orders/topics/topics.js';
import type { GroupPositions } from './missing-reason.js';

/** Reads what must be read before anything else of a check. */
export async function groupPositions(positions: TopicPositions): Promise<GroupPositions> {
  const committed = await positions.committed(ORDERS_CONSUMER_GROUP, ORDERS_TOPIC);
  const ends = await positions.ends(ORDERS_TOPIC);
  const letters = await positions.ends(DEAD_LETTER_TOPIC);
  const projected = await positions.committed(DEAD_LETTER_GROUP, DEAD_LETTER_TOPIC);
  const lettersAreProjected = [...letters].every(([partition, end]) => (projected.get(partition) ?? 0) >= end);
  return { committed, ends, lettersAreProjected };
}
