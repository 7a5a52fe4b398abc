import { connectKafka } from '@orders-pipeline/parallel-consumer/kafkajs';
import type { Consumer } from 'kafkajs';
import type { FetchSize } from '../harness/fetch-size.js';
import { contenderLogger as logger } from './contender-logger.js';
import type { Job } from './job.js';

/** Starts a plain kafkajs consumer as in its documentation, with the fetch size of the job. */
export async function startPlain(
  { brokers, topic, groupId }: Job,
  run: Parameters<Consumer['run']>[0],
  fetch?: FetchSize,
): Promise<void> {
  const kafka = connectKafka({ brokers: brokers.split(','), clientId: 'bench', logger });
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 250, allowAutoTopicCreation: false, ...fetch });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run(run);
}
