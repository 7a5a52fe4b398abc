import { MongoClient } from 'mongodb';
import { ParallelConsumer, type FailureKind } from '@orders-pipeline/parallel-consumer';
import { connectKafka, KafkajsBroker } from '@orders-pipeline/parallel-consumer/kafkajs';

const log = (details: object, message: string) => console.log(message, JSON.stringify(details));
const logger = { info: log, warn: log, error: log }; // a pino logger fits too
const brokers = (process.env['KAFKA_BROKERS'] ?? 'localhost:9092').split(',');
const kafka = connectKafka({ brokers, clientId: 'payments', logger });

const uri = process.env['MONGODB_URI'] ?? 'mongodb://localhost:27017/shop';
const mongo = new MongoClient(uri, { socketTimeoutMS: 30_000 }); // it has no default
await mongo.connect(); // first: a client whose first connection fails stays closed for ever
const payments = mongo.db().collection<{ _id: string; amount: number }>('payments');

const WRONG_DOCUMENT = new Set<unknown>([121, 10334]); // fails its validator, too large

/** Checks the shape of a record: a TypeError in the handler, as for `null`, would count as an outage. */
function parsePayment(text: string): { id: string; amount: number } {
  const { id, amount } = (JSON.parse(text) ?? {}) as { id?: unknown; amount?: unknown };
  if (typeof id !== 'string') throw new RangeError('the payment has no id');
  if (typeof amount !== 'number' || amount <= 0) throw new RangeError(`payment ${id} has no amount`);
  return { id, amount };
}

function classify(error: unknown): FailureKind {
  // The record is wrong. Not TypeError: fetch throws it when a server is unavailable.
  if (error instanceof SyntaxError || error instanceof RangeError) return 'poison';
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (WRONG_DOCUMENT.has(code) || (error instanceof Error && error.name.startsWith('BSON'))) return 'poison';
  if (code === 112 || code === 11_000) return 'retriable'; // write conflict, duplicate key
  return 'environment'; // if unsure, treat an error as an outage: pause and retry
}

const consumer = new ParallelConsumer(
  {
    handler: async ({ valueText, partition }, attempt) => {
      const { id, amount } = parsePayment(valueText ?? '');
      console.log(`saving ${id}, attempt ${attempt.number}`);
      // Idempotent: a repeated record changes nothing. Resolve only when the effect is durable.
      await payments.updateOne({ _id: id }, { $setOnInsert: { amount } }, { upsert: true });
      console.log(`saved ${id} of partition ${partition}`);
    },
    classify,
    maxAttempts: 5, // of a retriable failure, within about 1.5 s; then the record is dead-lettered
    deadLetterTopic: 'payments.v1.dead-letter',
    inFlight: 1_000,
    logger,
  },
  new KafkajsBroker({ kafka, topic: 'payments.v1', groupId: 'payments-savers', logger }),
);
await consumer.start();

async function stop() {
  await consumer.stop(); // starts nothing new, waits up to 5 s for running attempts, commits, leaves the group
  await mongo.close();
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop());
