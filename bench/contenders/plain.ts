import { pause, systemClock } from '@orders-pipeline/clock';
import {
  batchHandler,
  ParallelConsumer,
  type ParallelConsumerOptions,
  type RecordHandler,
  reportingHandler,
} from '@orders-pipeline/parallel-consumer';
import type { ConsumerRunConfig, KafkaMessage } from 'kafkajs';
import { type Collection, MongoClient } from 'mongodb';
import { z } from 'zod';
import { saveDelayMs } from '#orders/consumer/simulated-save.js';
import { murmur3 } from '#orders/generator/seeded-random.js';
import { type DataClient, dataClient } from '#service/kafka/kafka-clients.js';
import { kafkaSettings } from '#service/settings/kafka-settings.js';
import { loadSettings } from '#service/settings/settings.js';
import type { JsonOrder } from '../datasets.js';
import { DEAD_LETTERS, type FetchSize, kafkaAt, logger, SMALL_FETCH } from '../kafka.js';
import type { Contenders, Job, KafkaClient, SaveMs } from './job.js';
import type { Meter } from './meter.js';

// Contenders without code of the product: the engine and plain kafkajs, with handlers that wait, do nothing, or save JSON as adopters do.

/** The engine's commit interval. By default kafkajs would commit after each batch, which is slower. */
const COMMIT_EVERY_MS = 200;
const MAX_BUFFERED = 8_000;
const SEED = 20_261_124;
const TWO_32 = 2 ** 32;

export const contenders: Contenders<
  'engine-wait' | 'engine-no-op' | 'engine-stalled-key' | 'bare-loop' | 'json-engine' | 'json-plain'
> = {
  'engine-wait': async (job, meter) => {
    const { inFlight, saveMs } = job.parameters;
    const wait = simulatedWait(saveMs);
    const handler = async (): Promise<void> => {
      meter.begin();
      await wait();
      meter.finished();
    };
    await startEngine(job, { handler, inFlight });
    await meter.done;
  },

  'engine-no-op': async (job, meter) => {
    const { fetch, inFlight, client } = job.parameters;
    await startEngine(job, { handler: counting(meter), inFlight }, fetch, client);
    await meter.done;
  },

  'engine-stalled-key': async (job, meter) => {
    const { inFlight, stalledKey, stillMs } = job.parameters;
    const stalled = Buffer.from(stalledKey);
    const never = new Promise<void>(() => undefined);
    const handler: RecordHandler = async ({ key }) => {
      meter.begin();
      if (key?.equals(stalled)) await never;
      meter.finished();
    };
    await startEngine(job, { handler, inFlight });
    await Promise.race([meter.done, untilStalled(meter, stillMs)]);
  },

  'bare-loop': async (job, meter) => {
    const handler: (message: unknown) => Promise<void> = counting(meter);
    const run: ConsumerRunConfig = {
      autoCommit: false,
      autoCommitInterval: COMMIT_EVERY_MS,
      eachBatchAutoResolve: false,
      eachBatch: async (payload) => {
        const { batch } = payload;
        for (const message of batch.messages) await handler(message);
        payload.resolveOffset(batch.lastOffset());
        await payload.commitOffsetsIfNecessary();
        await payload.heartbeat();
      },
    };
    await startPlain(job, run, job.parameters.fetch);
    await meter.done;
  },

  /** Uses the engine's public exports only. */
  'json-engine': async (job, meter) => {
    const { inFlight, saveMs, ordering } = job.parameters;
    const orders = await connectJsonOrders(job);
    const wait = simulatedWait(saveMs);
    const inOrder = ordering === 'key';
    const write = batchHandler({
      maxBatchSize: 2_000,
      maxBatchWaitMs: 50,
      sameKeyInBatch: inOrder,
      handle: async (items) => {
        const documents = items.map(({ record }) => JSON.parse(record.valueText ?? '') as JsonOrder);
        // In order, MongoDB inserts none after one that failed.
        await orders.insertMany(documents, { ordered: inOrder });
        meter.finished(items.length);
        return items.map(() => undefined);
      },
    });
    const handler = reportingHandler((item) => {
      meter.begin();
      if (saveMs.maximum === 0) write.start(item);
      else void wait().then(() => write.start(item));
    });
    // Records wait for their key only until the next batches, so a few batches of them are enough.
    await startEngine(job, { handler, inFlight, ordering, ...(inOrder && { maxBuffered: MAX_BUFFERED }) });
    await meter.done;
  },

  'json-plain': async (job, meter) => {
    const orders = await connectJsonOrders(job);
    await savePlainBatches(job, meter, {
      documentOf: ({ value }) => JSON.parse(String(value)) as JsonOrder,
      insert: async (documents) => orders.insertMany(documents, { ordered: false }),
    });
  },
};

function counting(meter: Meter): () => Promise<void> {
  return async () => {
    meter.begin();
    meter.finished();
  };
}

/** Resolves when no record has completed for this time: all records that can complete have done so. */
async function untilStalled(meter: Meter, milliseconds: number): Promise<void> {
  for (let before = -1; before === 0 || before !== meter.finishedRecords;) {
    before = meter.finishedRecords;
    await pause(systemClock, milliseconds);
  }
}

/** Connects to the collection of JSON orders, which has no index but that of `_id`. Writes are as durable as the consumer app's. */
async function connectJsonOrders({ mongodbUri }: Job): Promise<Collection<JsonOrder>> {
  const client = new MongoClient(mongodbUri, { writeConcern: { w: 'majority', journal: true } });
  await client.connect();
  return client.db().collection<JsonOrder>('jsonOrders');
}

/** Connects to the Kafka of a job over a client library, as the apps do. */
export async function connectClient({ brokers }: Job, client: KafkaClient): Promise<DataClient> {
  const settings = loadSettings(z.object(kafkaSettings), { KAFKA_BROKERS: brokers, KAFKA_CLIENT: client });
  return dataClient(settings, { clientId: 'bench', logger });
}

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

/** Starts a plain kafkajs consumer as in its documentation, with the fetch size of the job. */
export async function startPlain(
  { brokers, topic, groupId }: Job,
  run: ConsumerRunConfig,
  fetch?: FetchSize,
): Promise<void> {
  const limits = { maxWaitTimeInMs: 250, allowAutoTopicCreation: false, ...fetch };
  const consumer = kafkaAt(brokers).consumer({ groupId, ...limits });
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
  const run: ConsumerRunConfig = {
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
  };
  await startPlain(job, run, fetch);
  await meter.done;
}

/** Returns the same random numbers in every run; they do not depend on the record. */
export function seededDraws(): () => number {
  let draws = 0;
  return () => {
    draws += 1;
    return murmur3(SEED, draws, 0, 0, 0) / TWO_32;
  };
}

/** The consumer app's simulated save time, for contenders without its save. Waits that end in the same millisecond share a promise. */
export function simulatedWait(saveMs: SaveMs): () => Promise<void> {
  const draw = seededDraws();
  const ends = new Map<number, Promise<void>>();
  return async () => {
    if (saveMs.maximum === 0) return;
    const now = systemClock.now();
    const end = now + saveDelayMs(saveMs, draw());
    const known = ends.get(end);
    if (known !== undefined) return known;
    const wait = pause(systemClock, end - now);
    ends.set(end, wait);
    void wait.then(() => ends.delete(end));
    return wait;
  };
}
