import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { ConsumerConfig, Kafka, KafkaConfig, logLevel, ProducerConfig } from 'kafkajs';
import { sendOver, TIMES, type PlainClient } from './plain-client.js';

/** Its API is that of kafkajs, with the options of kafkajs under one name. */
interface ConfluentKafka {
  new (options: { readonly kafkaJS: KafkaConfig }): {
    producer(options: { readonly kafkaJS: ProducerConfig }): ReturnType<Kafka['producer']>;
    consumer(options: {
      readonly kafkaJS: ConsumerConfig & Readonly<Record<string, unknown>>;
    }): ReturnType<Kafka['consumer']>;
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
      const consumer = kafka.consumer({
        kafkaJS: {
          groupId,
          fromBeginning: true,
          autoCommit: true,
          autoCommitInterval: TIMES.commitMs,
          sessionTimeout: TIMES.sessionMs,
          heartbeatInterval: TIMES.heartbeatMs,
          rebalanceTimeout: TIMES.pollIntervalMs,
        },
      });
      await consumer.connect();
      await consumer.subscribe({ topics: [topic] });
      await consumer.run({
        eachBatchAutoResolve: false,
        eachBatch: async (fetched) => {
          for (const { offset, value } of fetched.batch.messages) {
            await handle(String(value));
            fetched.resolveOffset(offset);
          }
        },
      });
      return async () => consumer.disconnect();
    },
  };
}
