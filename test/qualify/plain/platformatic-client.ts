import {
  Consumer,
  MessagesStreamModes,
  ProduceAcks,
  Producer,
  stringSerializers,
  stringDeserializers,
} from '@platformatic/kafka';
import { countOf, TIMES, type PlainClient } from './plain-client.js';

export function platformaticClient(brokers: readonly string[]): PlainClient {
  const options = { clientId: 'plain', bootstrapBrokers: [...brokers] };
  return {
    sendAtOnce: async (topic, values) => {
      const producer = new Producer({
        ...options,
        idempotent: true,
        acks: ProduceAcks.ALL,
        serializers: stringSerializers,
      });
      const sent = await countOf(values.map(async (value) => producer.send({ messages: [{ topic, value }] })));
      await producer.close();
      return sent;
    },
    consume: async ({ topic, groupId, handle }) => {
      const consumer = new Consumer({
        ...options,
        groupId,
        sessionTimeout: TIMES.sessionMs,
        heartbeatInterval: TIMES.heartbeatMs,
        deserializers: stringDeserializers,
      });
      const stream = await consumer.consume({
        topics: [topic],
        mode: MessagesStreamModes.COMMITTED,
        fallbackMode: 'earliest',
        autocommit: false,
      });
      const ended = (async () => {
        for await (const message of stream) {
          await handle(message.value);
          await message.commit();
        }
      })();
      return async () => {
        await stream.close();
        await ended;
        await consumer.close();
      };
    },
  };
}
