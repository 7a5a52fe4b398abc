import { setTimeout as sleep } from 'node:timers/promises';
import { ParallelConsumer } from '@orders-pipeline/parallel-consumer';
import { connectKafka, KafkajsBroker } from '@orders-pipeline/parallel-consumer/kafkajs';

const log = (details: object, message: string) => console.log(message, JSON.stringify(details));
const logger = { info: log, warn: log, error: log }; // a pino logger fits too
const brokers = (process.env['KAFKA_BROKERS'] ?? 'localhost:9092').split(',');
const kafka = connectKafka({ brokers, clientId: 'savers', logger });

const consumer = new ParallelConsumer(
  {
    handler: async ({ valueText, partition }, attempt) => {
      const payment = JSON.parse(valueText ?? '') as { id: string; amount: number };
      console.log(`saving ${payment.id}, attempt ${attempt.number}`);
      if (payment.amount < 1) throw new RangeError(`payment ${payment.id} has no amount`);
      await sleep(500, undefined, { signal: attempt.signal }); // resolve when the effect is durable
      console.log(`saved ${payment.id} of partition ${partition}`);
    },
    // In doubt, wait: an error of the environment is retried until it has passed.
    classify: (error) => (error instanceof RangeError || error instanceof SyntaxError ? 'poison' : 'environment'),
    deadLetterTopic: 'payments.v1.dead-letter',
    inFlight: 1_000,
    logger,
  },
  new KafkajsBroker({ kafka, topic: 'payments.v1', groupId: 'payments-savers', logger }),
);
await consumer.start();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void consumer.stop());
