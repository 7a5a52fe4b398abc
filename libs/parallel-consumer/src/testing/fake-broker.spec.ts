import { systemClock } from '@orders-pipeline/clock';
import { DelayedBroker } from '../broker/delayed-broker.js';
import type { ContractKafka } from '../contract/contract-kafka.js';
import { describeBrokerContract } from '../contract/broker-contract.js';
import type { Broker } from '../broker/broker.js';
import { FakeBroker } from './fake-broker.js';
import { FakeKafka } from './fake-kafka.js';

/** Of each topic of the contract. */
const DELAY_MS = 5;

/** @param wrapped what the suite gets instead of a member */
function contractKafka(wrapped: (member: Broker) => Broker): ContractKafka {
  const kafka = new FakeKafka();
  return {
    createTopic: async (topic, partitions) => kafka.createTopic(topic, partitions),
    append: async (topic, partition, values) => {
      // A record of the past would be due at once. With one time for all, they are due together.
      const timestamp = systemClock.now();
      for (const value of values) kafka.append(topic, partition, null, value, { timestamp });
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
    member: (topic, groupId, rebalancing = 'eager') =>
      wrapped(new FakeBroker(kafka, { topic, groupId, rebalancing, fetching: 'auto' })),
    end: async () => undefined,
  };
}

describeBrokerContract('the fake Kafka', async () => contractKafka((member) => member));
describeBrokerContract('the fake Kafka with delays', async () =>
  contractKafka((member) => new DelayedBroker(member, { get: () => DELAY_MS }, systemClock)),
);
