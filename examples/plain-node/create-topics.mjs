import { Kafka } from 'kafkajs';

const brokers = (process.env['KAFKA_BROKERS'] ?? 'localhost:9092').split(',');
const admin = new Kafka({ brokers, clientId: 'create-topics' }).admin();
await admin.connect();
await admin.createTopics({
  topics: [
    { topic: 'payments.v1', numPartitions: 12 },
    { topic: 'payments.v1.dead-letter', numPartitions: 12, configEntries: [{ name: 'retention.ms', value: '-1' }] },
  ],
  waitForLeaders: false, // this wait of kafkajs can fail for a new topic; the consumer waits itself
});
await admin.disconnect();
