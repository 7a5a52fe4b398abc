import { connectKafka, reliableProducer } from '@orders-pipeline/parallel-consumer/kafkajs';

const logger = { info: () => {}, warn: console.warn, error: console.error };
const brokers = (process.env['KAFKA_BROKERS'] ?? 'localhost:9092').split(',');
const producer = reliableProducer(connectKafka({ brokers, clientId: 'send', logger }), logger);
const payments = [
  { id: '1', amount: 0 },
  { id: '2', amount: 5 },
];
const records = payments.map((payment) => ({
  partition: 1,
  key: 'account-1',
  value: Buffer.from(JSON.stringify(payment)),
  headers: {},
}));
console.log('acknowledged', await producer.send('payments.v1', records));
await producer.close();
