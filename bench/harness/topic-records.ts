import { connectKafka } from '@orders-pipeline/parallel-consumer/kafkajs';
import { contenderLogger as logger } from '../contenders/contender-logger.js';

/** Counts the records of a topic by its partition offsets. */
export async function recordsOn(brokers: string, topic: string): Promise<number> {
  const admin = connectKafka({ brokers: brokers.split(','), clientId: 'bench', logger }).admin();
  await admin.connect();
  try {
    const partitions = await admin.fetchTopicOffsets(topic);
    return partitions.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0);
  } finally {
    await admin.disconnect();
  }
}
