import { connectKafka, KafkajsBroker } from '@orders-pipeline/parallel-consumer/kafkajs';
import { type ParallelConsumerOptions, ParallelConsumer } from '@orders-pipeline/parallel-consumer';
import { DEAD_LETTERS } from '../datasets/dataset.js';
import { SMALL_FETCH } from '../harness/fetch-size.js';
import { contenderLogger as logger } from './contender-logger.js';
import type { Job } from './job.js';

/** Starts the engine in key mode with the given options and defaults for the rest. */
export async function startEngine(
  { brokers, topic, groupId }: Job,
  options: Omit<ParallelConsumerOptions, 'logger' | 'deadLetterTopic'>,
  fetch = SMALL_FETCH,
): Promise<void> {
  const kafka = connectKafka({ brokers: brokers.split(','), clientId: 'bench', logger });
  const broker = new KafkajsBroker({ kafka, topic, groupId, logger, ...fetch });
  await new ParallelConsumer({ ...options, logger, deadLetterTopic: DEAD_LETTERS }, broker).start();
}
