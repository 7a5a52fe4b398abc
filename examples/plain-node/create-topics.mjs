import { connectKafka } from '@orders-pipeline/parallel-consumer/kafkajs';

const logger = { info: () => {}, warn: console.warn, error: console.error };
const brokers = (process.env['KAFKA_BROKERS'] ?? 'localhost:9092').split(',');
const admin = connectKafka({ brokers, clientId: 'create-topics', logger }).admin();
await admin.connect();
const areNew = await admin.createTopics({
  topics: [
    { topic: 'payments.v1', numPartitions: 12 },
    { topic: 'payments.v1.dead-letter', numPartitions: 12, configEntries: [{ name: 'retention.ms', value: '-1' }] },
  ],
  waitForLeaders: false, // this wait of kafkajs can fail for a new topic; the consumer waits itself
});
console.log(areNew ? 'created' : 'exist already');
await admin.disconnect();
