import kafkajs from 'kafkajs';
import { sendOver, TIMES, type PlainClient } from './plain-client.js';

export function kafkajsClient(brokers: readonly string[]): PlainClient {
  const kafka = new kafkajs.Kafka({ brokers: [...brokers], clientId: 'plain', logLevel: kafkajs.logLevel.NOTHING });
  return {
    sendAtOnce: async (topic, values) => sendOver(kafka.producer({ idempotent: true }), topic, values),
    consume: async ({ topic, groupId, handle }) => {
      const consumer = kafka.consumer({
        groupId,
        sessionTimeout: TIMES.sessionMs,
        heartbeatInterval: TIMES.heartbeatMs,
      });
      await consumer.connect();
      await consumer.subscribe({ topic, fromBeginning: true });
      await consumer.run({
        autoCommitInterval: TIMES.commitMs,
        // Otherwise a batch that is left early counts as handled.
        eachBatchAutoResolve: false,
        eachBatch: async (fetched) => {
          for (const { offset, value } of fetched.batch.messages) {
            if (!fetched.isRunning() || fetched.isStale()) return;
            await handle(String(value));
            fetched.resolveOffset(offset);
            await fetched.commitOffsetsIfNecessary();
            await fetched.heartbeat();
          }
        },
      });
      return async () => consumer.disconnect();
    },
  };
}
