import { describeBrokerContract } from '../contract/broker-contract.js';
import { FakeBroker } from './fake-broker.js';
import { FakeKafka } from './fake-kafka.js';

describeBrokerContract('the fake Kafka', async () => {
  const kafka = new FakeKafka();
  return {
    createTopic: async (topic, partitions) => kafka.createTopic(topic, partitions),
    append: async (topic, partition, values) => {
      for (const value of values) kafka.append(topic, partition, null, value);
    },
    beginTransaction: async (topic, partition) => {
      const transaction = kafka.beginTransaction(topic, partition);
      return {
        append: async (value, key) => transaction.append(value, key?.toString('latin1')),
        end: async (ending) => transaction.end(ending),
      };
    },
    deleteTopic: async (topic) => kafka.deleteTopic(topic),
    recreateTopic: async (topic, partitions) => kafka.createTopic(topic, partitions),
    deleteBefore: async (topic, partition, offset) => kafka.deleteBefore(topic, partition, offset),
    read: async (topic) => kafka.records(topic),
    member: (topic, groupId) => new FakeBroker(kafka, { topic, groupId, fetching: 'auto' }),
    end: async () => undefined,
  };
});
