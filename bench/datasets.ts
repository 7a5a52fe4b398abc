import type { OutgoingRecord } from '@orders-pipeline/parallel-consumer';
import { reliableProducer } from '@orders-pipeline/parallel-consumer/kafkajs';
import { orderGenerator } from '#orders/generator/generator.js';
import { OrderCodec } from '#orders/order/order-codec.js';
import { ORDERS_TOPIC } from '#orders/topics/topics.js';
import { createTopics } from '#service/kafka/prepare-topics.js';
import { OrdersTopic } from '../apps/producer/src/publishing/orders-topic.js';
import { SendGate } from '../apps/producer/src/publishing/send-gate.js';
import type { TemporaryStack } from '../dev/supervisor/temporary-stack.js';
import { asAdmin, DEAD_LETTERS, kafkaAt, logger, PARTITIONS } from './kafka.js';

/** The records on a topic before a contender reads it. They are always the same. */
export interface Dataset {
  /** The topic; two datasets with the same topic are the same. */
  readonly topic: string;
  readonly records: number;
  /**
   * @param orders converts orders to records, as in the producer app
   * @returns a function that makes the record with an index, 0 to `records` - 1
   */
  maker(orders: OrdersTopic): (index: number) => OutgoingRecord;
}

export const DATASET_OPERATION_ID = '01a20e65-570e-7570-bea6-26988d692e8b';
const SEED = 20_261_124;
const FROM = new Date('2026-11-23T00:00:00Z');
const TO = new Date('2026-11-24T00:00:00Z');
const ACCOUNTS = 100_000;

/** Returns the generator of the orders by index. */
export function orderAtOf(count: number, accounts = ACCOUNTS): ReturnType<typeof orderGenerator> {
  const batch = { operationId: DATASET_OPERATION_ID, seed: SEED, firstNumber: 1, from: FROM, to: TO };
  return orderGenerator({ ...batch, count, accounts });
}

/** Real orders as the producer app writes them, with uniformly distributed accounts. */
export function ordersDataset(records: number): Dataset {
  return {
    topic: `bench.orders-${records}-of-${ACCOUNTS}`,
    records,
    maker: (orders) => {
      const orderAt = orderAtOf(records);
      return (index) =>
        orders.encode({ order: orderAt(index), index, fault: undefined }, { _id: DATASET_OPERATION_ID });
    },
  };
}

/** The same orders, but one record in `invalidEvery` cannot be decoded. */
export function invalidOrdersDataset(records: number, invalidEvery: number): Dataset {
  return {
    topic: `bench.poisoned-orders-${records}-every-${invalidEvery}`,
    records,
    maker: (orders) => {
      const orderAt = orderAtOf(records);
      return (index) => {
        const fault = index % invalidEvery === 0 ? 'poison' : undefined;
        return orders.encode({ order: orderAt(index), index, fault }, { _id: DATASET_OPERATION_ID });
      };
    },
  };
}

/** Real orders of a few alternating accounts: each account has equally many orders, each partition equally many accounts. */
export function evenAccountsDataset(records: number, accounts: number): Dataset {
  return {
    topic: `bench.even-orders-${records}-of-${accounts}`,
    records,
    maker: (orders) => {
      const orderAt = orderAtOf(records, accounts);
      return (index) => {
        const account = index % accounts;
        const order = { ...orderAt(index), accountId: `acc-${account.toString().padStart(7, '0')}` };
        const record = orders.encode({ order, index, fault: undefined }, { _id: DATASET_OPERATION_ID });
        return { ...record, partition: account % PARTITIONS };
      };
    },
  };
}

/** Keys per partition of the small records. */
const SMALL_KEYS = 10;

/** Small records that are quick to write, spread evenly over the partitions, with a few alternating keys per partition. */
export function smallDataset(records: number): Dataset {
  const value = Buffer.from('small');
  return {
    topic: `bench.small-${records}`,
    records,
    maker: () => (index) => {
      return { partition: index % PARTITIONS, key: smallKey(index % (PARTITIONS * SMALL_KEYS)), value, headers: {} };
    },
  };
}

/** Returns the nth key, counted from 0. */
export function smallKey(n: number): string {
  return `key-${n}`;
}

/** Orders of about 200 bytes as JSON, as a service without a schema registry writes them. */
export function jsonOrdersDataset(records: number, keys: number): Dataset {
  return {
    topic: `bench.json-orders-${records}-of-${keys}`,
    records,
    maker: () => (index) => {
      const key = index % keys;
      const value = Buffer.from(JSON.stringify(jsonOrder(index, key)));
      return { partition: key % PARTITIONS, key: `acc-${key}`, value, headers: {} };
    },
  };
}

/** An order as the handlers parse it. */
export type JsonOrder = ReturnType<typeof jsonOrder>;

function jsonOrder(index: number, key: number) {
  return {
    _id: `order-${index.toString().padStart(12, '0')}`,
    accountId: `acc-${key.toString().padStart(7, '0')}`,
    symbol: 'ACME',
    side: index % 2 === 0 ? 'buy' : 'sell',
    quantity: 1 + (index % 1_000),
    price: `${100 + (index % 100)}.25`,
    currency: 'USD',
    createdAt: '2026-11-23T12:00:00.000Z',
  };
}

/** The app's topic, empty at first: it contains only what the writing contenders have sent. */
export const WRITTEN_ORDERS_TOPIC: Dataset = {
  topic: ORDERS_TOPIC,
  records: 0,
  maker: () => (index) => {
    throw new RangeError(`no record ${index}: this dataset is empty`);
  },
};

/** Larger sends are slower: kafkajs groups records by partition in quadratic time. */
const RECORDS_PER_SEND = 2_000;

/** Creates a dataset's topic, unless it exists, and writes all its records, acknowledged by all replicas. */
export async function fillTopic(
  { KAFKA_BROKERS, SCHEMA_REGISTRY_URL }: TemporaryStack['addresses'],
  dataset: Dataset,
  signal: AbortSignal,
): Promise<void> {
  const topics = [dataset.topic, DEAD_LETTERS].map((topic) => {
    return { topic, numPartitions: PARTITIONS, replicationFactor: 1 };
  });
  await asAdmin(KAFKA_BROKERS, async (admin) => createTopics(admin, topics));
  const producer = reliableProducer(kafkaAt(KAFKA_BROKERS), logger);
  try {
    const codec = await OrderCodec.connect({ url: SCHEMA_REGISTRY_URL });
    const recordAt = dataset.maker(new OrdersTopic(() => producer, codec, new SendGate(PARTITIONS)));
    for (let chunk = chunkOf(dataset, recordAt, 0), made = chunk.length; chunk.length > 0; made += chunk.length) {
      signal.throwIfAborted();
      const sending = producer.send(dataset.topic, chunk);
      // Builds the next chunk while this one is being sent.
      chunk = chunkOf(dataset, recordAt, made);
      await sending;
    }
  } finally {
    await producer.close();
  }
}

function chunkOf({ records }: Dataset, recordAt: (index: number) => OutgoingRecord, from: number): OutgoingRecord[] {
  const length = Math.min(RECORDS_PER_SEND, records - from);
  return Array.from({ length }, (_, at) => recordAt(from + at));
}
