import { systemClock } from '@orders-pipeline/clock';
import { ReliableProducer } from '@orders-pipeline/parallel-consumer/kafkajs';
import kafkajs from 'kafkajs';
import type { KafkaMessage, Message } from 'kafkajs';
import { Long, UUID } from 'mongodb';
import { readOrigin } from '#orders/operation/record-headers.js';
import { OrderCodec } from '#orders/order/order-codec.js';
import { type OrderDocument, toDocument, ordersCollection } from '#orders/order/order-document.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { insertOrders } from '../../apps/consumer/src/bulk-insert.js';
import { OrderSaver, classifySaveFailure } from '../../apps/consumer/src/order-saver.js';
import { type Delay, simulatedDelay } from '../../apps/consumer/src/simulated-delay.js';
import { OrdersTopic } from '../../apps/producer/src/publishing/orders-topic.js';
import { SendGate } from '../../apps/producer/src/publishing/send-gate.js';
import { DATASET_OPERATION_ID, orderAtOf, ordersDataset } from '../datasets.js';
import { kafkaAt, logger, PARTITIONS } from '../kafka.js';
import type { Contenders, Job, SaveMs } from './job.js';
import type { Meter } from './meter.js';
import { savePlainBatches, seededDraws, simulatedWait, startEngine, startPlain } from './plain.js';

// Contenders that save, send or read orders with the product's domain and the consumer app's save.

const ALL_PARTITIONS = 12;
/** Of the bare insert. Measured: larger bulks and more at once are not faster. */
const BULK = 2_000;
const AT_ONCE = 2;
/** The defaults of the consumer app. */
const LIMITS = { maxBytes: 16_384, batchWaitMs: 100 };
/** Only builds records: plain kafkajs sends them. */
const NO_PRODUCER = new ReliableProducer({
  connect: () => {
    throw new Error('this producer must not send');
  },
  logger,
});

export const contenders: Contenders<
  'engine-save' | 'plain-save' | 'one-at-a-time' | 'bare-send' | 'bare-insert' | 'bare-cursor'
> = {
  'engine-save': async (job, meter) => {
    const { inFlight, saveMs } = job.parameters;
    const { handler } = await meteredSaver(job, saveMs, meter);
    await startEngine(job, { handler, inFlight, classify: classifySaveFailure });
    await meter.done;
  },

  'plain-save': async (job, meter) => {
    const { codec, mongo } = await connectSave(job);
    const collection = ordersCollection(mongo.db);
    await savePlainBatches(job, meter, {
      documentOf: async (message, partition) => orderOfMessage(codec, partition, message),
      insert: async (documents) => collection.insertMany(documents, { ordered: false }),
    });
  },

  'one-at-a-time': async (job, meter) => {
    const { codec, mongo } = await connectSave(job);
    const collection = ordersCollection(mongo.db);
    const wait = simulatedWait(job.parameters.saveMs);
    await startPlain(job, {
      partitionsConsumedConcurrently: ALL_PARTITIONS,
      eachMessage: async ({ message, partition }) => {
        meter.begin();
        await wait();
        await collection.insertOne(await orderOfMessage(codec, partition, message));
        meter.finished();
      },
    });
    await meter.done;
  },

  'bare-send': async (job, meter) => {
    const chunks = await prepareChunks(job);
    const createPartitioner = kafkajs.Partitioners.DefaultPartitioner;
    const producer = kafkaAt(job.brokers).producer({ createPartitioner, allowAutoTopicCreation: false });
    await producer.connect();
    meter.begin();
    for (const messages of chunks) {
      await producer.send({ topic: job.topic, acks: -1, messages });
      meter.finished(messages.length);
    }
    await meter.done;
  },

  /** The limit of every way to save: the same documents in the order of their numbers, as fast as MongoDB takes them. */
  'bare-insert': async (job, meter) => {
    const mongo = new Mongo(job.mongodbUri, 'bench');
    await mongo.connect();
    const orders = ordersCollection(mongo.db);
    const documentAt = documentsOf(job.records);
    let next = 0;
    const loop = async (): Promise<void> => {
      while (next < job.records) {
        const from = next;
        next = Math.min(job.records, from + BULK);
        const documents = Array.from({ length: next - from }, (_, at) => documentAt(from + at));
        await orders.insertMany(documents, { ordered: false });
        meter.finished(documents.length);
      }
    };
    meter.begin();
    await Promise.all(Array.from({ length: AT_ONCE }, loop));
    await meter.done;
  },

  'bare-cursor': async (job, meter) => {
    const mongo = new Mongo(job.mongodbUri, 'bench');
    const all = ordersCollection(mongo.db).find({}, { projection: { ingest: 0 } });
    for await (const _order of all.sort({ number: 1 }).limit(job.records)) {
      meter.begin();
      meter.finished();
    }
    await meter.done;
  },
};

/** Connects the app's codec and its MongoDB client, with write concern majority, journaled. */
export async function connectSave({ registryUrl, mongodbUri }: Job): Promise<{ codec: OrderCodec; mongo: Mongo }> {
  const mongo = new Mongo(mongodbUri, 'bench');
  await mongo.client.connect();
  return { codec: await OrderCodec.connect({ url: registryUrl }), mongo };
}

/** Builds the consumer app's save, with a meter: wait, decode, write in batches. */
export async function meteredSaver(job: Job, saveMs: SaveMs, meter: Meter): Promise<OrderSaver> {
  const { codec, mongo } = await connectSave(job);
  const delay = simulatedDelay(saveMs, seededDraws(), systemClock);
  const meteredDelay: Delay = (next) => {
    const pass = delay(next);
    return (item) => {
      meter.begin();
      pass(item);
    };
  };
  return new OrderSaver(codec, meteredDelay, LIMITS, async (documents) => {
    const results = await insertOrders(mongo, documents);
    meter.finished(documents.length);
    return results;
  });
}

/** Converts a kafkajs message to the document that the consumer app would save, without the engine. */
async function orderOfMessage(
  codec: OrderCodec,
  partition: number,
  { headers, offset, value }: KafkaMessage,
): Promise<OrderDocument> {
  await codec.learn(value);
  const order = codec.decode(value);
  const origin = readOrigin(headers as Parameters<typeof readOrigin>[0]);
  return toDocument(order, {
    operationId: origin === undefined ? null : new UUID(origin.operationId),
    partition,
    offset: Long.fromString(offset),
    attempts: 1,
    savedAt: new Date(),
  });
}

/** Builds the records of the producer app, with partitions, keys, headers and encoded orders. Their headers are texts, which kafkajs can send. */
async function prepareChunks({ records, registryUrl, parameters }: Job<'bare-send'>): Promise<Message[][]> {
  const codec = await OrderCodec.connect({ url: registryUrl });
  const recordAt = ordersDataset(records).maker(new OrdersTopic(() => NO_PRODUCER, codec, new SendGate(PARTITIONS)));
  const { recordsPerSend } = parameters;
  return Array.from({ length: Math.ceil(records / recordsPerSend) }, (_, chunk) => {
    const from = chunk * recordsPerSend;
    const length = Math.min(recordsPerSend, records - from);
    return Array.from({ length }, (_record, at) => recordAt(from + at) as Message);
  });
}

function documentsOf(count: number): (index: number) => OrderDocument {
  const orderAt = orderAtOf(count);
  const operationId = new UUID(DATASET_OPERATION_ID);
  const savedAt = new Date();
  return (index) =>
    toDocument(orderAt(index), {
      operationId,
      partition: index % PARTITIONS,
      offset: Long.fromNumber(Math.floor(index / PARTITIONS)),
      attempts: 1,
      savedAt,
    });
}
