import {
  DEAD_LETTER_HEADERS,
  headersToProduce,
  listHeaders,
  ParallelConsumer,
  produceHandler,
} from '@orders-pipeline/parallel-consumer';
import { connectKafka, KafkajsBroker, reliableProducer } from '@orders-pipeline/parallel-consumer/kafkajs';

const MAX_REDRIVES = 3; // limits redrive loops
const logger = { info: () => {}, warn: console.warn, error: console.error };
const brokers = (process.env['KAFKA_BROKERS'] ?? 'localhost:9092').split(',');
const kafka = connectKafka({ brokers, clientId: 'redrive', logger });
const producer = reliableProducer(kafka, logger);
const redrive = new ParallelConsumer(
  {
    handler: produceHandler({
      producer,
      handle: async (deadLetter) => {
        const { headers, key, value } = deadLetter;
        const text = (name: string) => headers[name]?.toString() ?? '';
        const redrives = 1 + Number(text('redrives'));
        const isSent = text(DEAD_LETTER_HEADERS.omitted) === '' && redrives <= MAX_REDRIVES;
        console.log(isSent ? 'sent again:' : 'left:', `partition ${deadLetter.partition}, offset ${deadLetter.offset}`);
        if (!isSent) return []; // it stays in the topic
        const topic = text(DEAD_LETTER_HEADERS.topic);
        const partition = Number(text(DEAD_LETTER_HEADERS.partition));
        const all = { ...headersToProduce(listHeaders(deadLetter)), redrives: String(redrives) };
        return [{ topic, partition, key, value, headers: all }];
      },
    }),
    onDeadLetter: 'stop', // a dead letter that fails here has no other topic to go to
    logger,
  },
  new KafkajsBroker({ kafka, topic: 'payments.v1.dead-letter', groupId: 'payments-redrive', logger }),
);
await redrive.start();

async function stop() {
  await redrive.stop();
  await producer.close(); // after the consumer
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop());
