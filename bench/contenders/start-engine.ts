import { type ParallelConsumerOptions, ParallelConsumer } from '@orders-pipeline/parallel-consumer';
import { DEAD_LETTERS } from '../datasets/dataset.js';
import { SMALL_FETCH } from '../harness/fetch-size.js';
import { contenderLogger as logger } from './contender-logger.js';
import { connectClient } from './connect-client.js';
import type { Job, KafkaClient } from './job.js';

/** Starts the engine in key mode with the given options and defaults for the rest. */
export async function startEngine(
  job: Job,
  options: Omit<ParallelConsumerOptions, 'logger' | 'deadLetterTopic'>,
  fetch = SMALL_FETCH,
  client: KafkaClient = 'kafkajs',
): Promise<void> {
  const { topic, groupId } = job;
  const broker = (await connectClient(job, client)).broker({ topic, groupId, logger, ...fetch });
  await new ParallelConsumer({ ...options, logger, deadLetterTopic: DEAD_LETTERS }, broker).start();
}
