import { connectKafka } from '@orders-pipeline/parallel-consumer/kafkajs';
import type { Consumer, KafkaMessage } from 'kafkajs';
import type { FetchSize } from '../harness/fetch-size.js';
import { contenderLogger as logger } from './contender-logger.js';
import type { Job } from './job.js';
import type { Meter } from './meter.js';
import { simulatedWait } from './simulated-wait.js';

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

/** How the usual loop saves a batch. */
interface PlainSave<T> {
  readonly documentOf: (message: KafkaMessage, partition: number) => T | Promise<T>;
  readonly insert: (documents: T[]) => Promise<unknown>;
}

/** Runs the usual code with plain kafkajs: each message of a batch waits and is decoded at once, then one insert and a commit. */
export async function savePlainBatches<T>(
  job: Job<'plain-save' | 'json-plain'>,
  meter: Meter,
  { documentOf, insert }: PlainSave<T>,
): Promise<void> {
  const { saveMs, fetch, partitionsConsumedConcurrently } = job.parameters;
  const wait = simulatedWait(saveMs);
  await startPlain(
    job,
    {
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently,
      eachBatch: async (payload) => {
        const { batch } = payload;
        meter.begin();
        const documents = await Promise.all(
          batch.messages.map(async (message) => {
            await wait();
            return documentOf(message, batch.partition);
          }),
        );
        await insert(documents);
        meter.finished(documents.length);
        payload.resolveOffset(batch.lastOffset());
        await payload.commitOffsetsIfNecessary(payload.uncommittedOffsets());
        await payload.heartbeat();
      },
    },
    fetch,
  );
  await meter.done;
}
