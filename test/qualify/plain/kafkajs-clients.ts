// kafkajs, and Confluent's client, whose API is that of kafkajs.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import kafkajs, {
  type Consumer,
  type ConsumerConfig,
  type EachBatchHandler,
  type Kafka,
  type KafkaConfig,
  type logLevel,
  type Producer,
  type ProducerConfig,
} from 'kafkajs';
import { countOf, TIMES, type PlainClient } from './plain-client.js';

/** It has the options of kafkajs under one name. */
interface ConfluentKafka {
  new (options: { readonly kafkaJS: KafkaConfig }): {
    producer(options: { readonly kafkaJS: ProducerConfig }): Producer;
    consumer(options: { readonly kafkaJS: ConsumerConfig & Readonly<Record<string, unknown>> }): Consumer;
  };
}

const IN_GROUP = { sessionTimeout: TIMES.sessionMs, heartbeatInterval: TIMES.heartbeatMs };

export function kafkajsClient(brokers: readonly string[]): PlainClient {
  const kafka: Kafka = new kafkajs.Kafka({
    brokers: [...brokers],
    clientId: 'plain',
    logLevel: kafkajs.logLevel.NOTHING,
  });
  return {
    sendAtOnce: async (topic, values) => sendOver(kafka.producer({ idempotent: true }), topic, values),
    consume: async ({ topic, groupId, handle }) => {
      const consumer = kafka.consumer({ groupId, ...IN_GROUP });
      const subscribe = async (): Promise<void> => consumer.subscribe({ topic, fromBeginning: true });
      return consumeBatches(consumer, subscribe, async (fetched) => {
        for (const { offset, value } of fetched.batch.messages) {
          if (!fetched.isRunning() || fetched.isStale()) return;
          await handle(String(value));
          fetched.resolveOffset(offset);
          await fetched.commitOffsetsIfNecessary();
          await fetched.heartbeat();
        }
      });
    },
  };
}

/** @param directory where `confluent-package.ts` has built the package */
export function confluentClient(brokers: readonly string[], directory: string): PlainClient {
  const require = createRequire(join(directory, 'package.json'));
  const { KafkaJS } = require('@confluentinc/kafka-javascript') as {
    readonly KafkaJS: { readonly Kafka: ConfluentKafka; readonly logLevel: { readonly NOTHING: logLevel } };
  };
  const kafka = new KafkaJS.Kafka({
    kafkaJS: { brokers: [...brokers], clientId: 'plain', logLevel: KafkaJS.logLevel.NOTHING },
  });
  return {
    sendAtOnce: async (topic, values) => sendOver(kafka.producer({ kafkaJS: { idempotent: true } }), topic, values),
    consume: async ({ topic, groupId, handle }) => {
      const commits = { fromBeginning: true, autoCommit: true, autoCommitInterval: TIMES.commitMs };
      const consumer = kafka.consumer({
        kafkaJS: { groupId, ...IN_GROUP, ...commits, rebalanceTimeout: TIMES.pollIntervalMs },
      });
      const subscribe = async (): Promise<void> => consumer.subscribe({ topics: [topic] });
      return consumeBatches(consumer, subscribe, async (fetched) => {
        for (const { offset, value } of fetched.batch.messages) {
          await handle(String(value));
          fetched.resolveOffset(offset);
        }
      });
    },
  };
}

async function consumeBatches(
  consumer: Consumer,
  subscribe: () => Promise<void>,
  eachBatch: EachBatchHandler,
): Promise<() => Promise<void>> {
  await consumer.connect();
  await subscribe();
  // With `eachBatchAutoResolve`, a batch that is left early counts as handled.
  await consumer.run({ autoCommitInterval: TIMES.commitMs, eachBatchAutoResolve: false, eachBatch });
  return async () => consumer.disconnect();
}

async function sendOver(producer: Producer, topic: string, values: readonly string[]): Promise<number> {
  await producer.connect();
  const sent = await countOf(values.map(async (value) => producer.send({ topic, messages: [{ value }] })));
  await producer.disconnect();
  return sent;
}
