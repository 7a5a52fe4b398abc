import { createTopics } from '#service/kafka/prepare-topics.js';
import { KafkajsBroker } from '@orders-pipeline/parallel-consumer/kafkajs';
import { connectPlatformatic, PlatformaticBroker } from '@orders-pipeline/parallel-consumer/platformatic';
import { describeBrokerContract } from '../../libs/parallel-consumer/src/contract/broker-contract.js';
import type { ContractKafka } from '../../libs/parallel-consumer/src/contract/contract-kafka.js';
import { workerKafka } from '../support/own-servers.js';
import {
  beginTransaction,
  deleteTopic,
  readRecords,
  topicOffsets,
  transactionalProducer,
} from '../support/topic-writer.js';

/** Longer than the guard against hanging: a member that a spec leaves behind is not dropped before. */
const sessionTimeoutMs = 20 * 60_000;
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

describeBrokerContract('a real Kafka over kafkajs', async () => {
  const { kafka } = workerKafka();
  return realKafka(
    (topic, groupId, rebalancing = 'eager') =>
      new KafkajsBroker({ kafka, topic, groupId, rebalancing, sessionTimeoutMs, logger: quiet }),
  );
});

describeBrokerContract('a real Kafka over @platformatic/kafka', async () => {
  const client = connectPlatformatic({ brokers: workerKafka().brokers.split(','), clientId: 'tests' });
  return realKafka(
    (topic, groupId, rebalancing = 'eager') =>
      new PlatformaticBroker({ client, topic, groupId, rebalancing, sessionTimeoutMs, logger: quiet }),
  );
});

/** Prepares topics with kafkajs's clients, and joins members of the client under test. */
async function realKafka(member: ContractKafka['member']): Promise<ContractKafka> {
  const { kafka } = workerKafka();
  const admin = kafka.admin();
  await admin.connect();
  return {
    createTopic: async (topic, numPartitions) => {
      await createTopics(admin, [{ topic, numPartitions, replicationFactor: 1 }]);
    },
    append: async (topic, partition, values) => {
      // One for each call: a producer of kafkajs fails once a topic that it has ever sent to is deleted.
      const producer = kafka.producer({ allowAutoTopicCreation: false });
      await producer.connect();
      await producer.send({ topic, messages: values.map((value) => ({ partition, value })) });
      await producer.disconnect();
    },
    beginTransaction: async (topic, partition) => {
      const transactional = transactionalProducer(kafka);
      await transactional.connect();
      const transaction = await beginTransaction(transactional);
      return {
        append: async (value, key) => {
          await transaction.send({ topic, messages: [{ partition, key: key ?? null, value }] });
        },
        end: async (ending) => {
          await (ending === 'commit' ? transaction.commit() : transaction.abort());
          await transactional.disconnect();
        },
      };
    },
    deleteTopic: async (topic) => deleteTopic(admin, topic),
    recreateTopic: async (topic, numPartitions) => {
      await deleteTopic(admin, topic);
      await createTopics(admin, [{ topic, numPartitions, replicationFactor: 1 }]);
    },
    deleteBefore: async (topic, partition, offset) => {
      // kafkajs deletes records only after it has loaded the leaders of the topic.
      await topicOffsets(admin, topic);
      await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] });
    },
    read: async (topic, count) => {
      const records = await readRecords(kafka, topic, count);
      return records.map(({ headers, ...record }) => {
        const bytes = Object.entries(headers).map(([name, value]) => [name, Buffer.from(value)] as const);
        const valueText = record.value && String(record.value);
        return Object.assign(record, { topic, valueText, headers: Object.fromEntries(bytes), byteLength: 0 });
      });
    },
    member,
    end: async () => {
      await admin.disconnect();
    },
  };
}
