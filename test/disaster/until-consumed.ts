import { KafkaPositions } from '#service/kafka/kafka-positions.js';
import { recordsBetween } from '#orders/topics/positions.js';
import { DEAD_LETTER_GROUP, DEAD_LETTER_TOPIC, ORDERS_CONSUMER_GROUP, ORDERS_TOPIC } from '#orders/topics/topics.js';
import { eventually } from '../support/eventually.js';
import { quietKafka } from '../support/topic-writer.js';

/** Waits until both groups have committed every record. @returns how many records of orders were left at first */
export async function untilConsumed(brokers: string): Promise<number> {
  const kafka = new KafkaPositions(quietKafka(brokers));
  const behind = async (group: string, topic: string): Promise<number> =>
    recordsBetween(await kafka.committed(group, topic), await kafka.ends(topic));
  try {
    const first = await behind(ORDERS_CONSUMER_GROUP, ORDERS_TOPIC);
    await eventually('everything is consumed', async () => {
      const left = await behind(ORDERS_CONSUMER_GROUP, ORDERS_TOPIC);
      const letters = await behind(DEAD_LETTER_GROUP, DEAD_LETTER_TOPIC);
      return left + letters === 0 || { left, letters };
    });
    return first;
  } finally {
    await kafka.close();
  }
}
