/** Completes the `ts` blocks of a section to one program that ends by itself. */
export interface Program {
  /** What the page's text or its first example has before the first block. */
  readonly before?: string;
  /** Between the first block and the second one. */
  readonly between?: string;
  readonly after: string;
  /** What the program prints. */
  readonly prints: RegExp;
}

/** The block shows this file of `examples/`, which `readmes.spec` runs. */
export interface ShownFile {
  readonly file: string;
}

type Programs = Readonly<Record<string, Program | ShownFile>>;

/** The beginning of each program: the names that the pages take from the service of the engine's README. */
export const SETUP = `
import { setTimeout as sleep } from 'node:timers/promises';
import { ParallelConsumer } from '@orders-pipeline/parallel-consumer';
import { connectKafka, KafkajsBroker, reliableProducer } from '@orders-pipeline/parallel-consumer/kafkajs';

const brokers = String(process.env['KAFKA_BROKERS']).split(',');
const log = (details: object, message: string) => console.log(message, JSON.stringify(details));
const logger = { info: log, warn: log, error: log };
const kafka = connectKafka({ brokers, clientId: 'excerpt', logger });
const broker = new KafkajsBroker({ kafka, topic: 'payments.v1', groupId: 'payments-savers', logger });
const options = { deadLetterTopic: 'payments.v1.dead-letter', logger, handler: async () => undefined };
`;

const until = (condition: string): string => `while (!(${condition})) await sleep(100);`;

const finishSome = (name: string): string => `
${until(`${name}.status.finished > 0`)}
await ${name}.stop();
`;

const createTopics = (partitions: number, ...names: string[]): string => `
const admin = kafka.admin();
await admin.connect();
const created = ${JSON.stringify(names)}.map((topic) => ({ topic, numPartitions: ${partitions} }));
await admin.createTopics({ topics: created, waitForLeaders: false });
`;

/** The blocks create a `consumer`: it handles some records. @param ended follows its end */
const handlesSome = (prints: RegExp, before = '', ended = ''): Program => ({
  before,
  after: `await consumer.start(); ${finishSome('consumer')} ${ended}`,
  prints,
});

const PROJECT: Programs = {
  'The engine in your service': {
    before: "import { MongoClient, MongoServerError } from 'mongodb';",
    after: `
${until('await payments.findOne({ amount: 5 })')}
console.log('saved');
await consumer.stop();
process.exit();`,
    prints: /^saved$/m,
  },
};

const ENGINE: Programs = {
  Start: { file: 'plain-node/main.ts' },
  Operate: handlesSome(
    /^alive true$[^]*parallel_consumer_finished_total\{topic="payments.v1",group="payments-savers"\} [1-9]/m,
    '',
    "console.log('alive', isAlive()); console.log(await register.metrics());",
  ),
};

const RECIPES: Programs = {
  'Save into PostgreSQL': {
    // In place of `pg`, and of a server.
    before: `
const inserted: unknown[] = [];
class Pool {
  constructor(readonly options: object) {}
  on(_event: 'error', _listener: (error: Error) => void): void {}
  async query(sql: string, [id]: readonly unknown[]): Promise<void> {
    console.log(sql, id);
    inserted.push(id);
  }
  async end(): Promise<void> {
    console.log('pool ended');
  }
}
function parsePayment(text: string): { id: string; amount: number } {
  const { id, amount } = JSON.parse(text) as { id: string; amount: number };
  if (!(amount > 0)) throw new RangeError('payment ' + id + ' has no amount');
  return { id, amount };
}`,
    after: `
${until("inserted.includes('2')")}
await stop();
const codes = ['23514', '40P01', '57P01', 'ECONNREFUSED', '22P02'];
console.log(codes.map((code) => classifyPostgres(Object.assign(new Error('failed'), { code }))).join(' '));`,
    prints:
      /^INSERT INTO payments .* ON CONFLICT DO NOTHING 2$[^]*^pool ended$[^]*^poison retriable environment environment poison$/m,
  },
  'Write in batches': handlesSome(
    /^inserted [1-9]/m,
    `
async function insertAll(values: readonly (Buffer | null)[]): Promise<(Error | undefined)[]> {
  console.log('inserted', values.length);
  return values.map(() => undefined);
}`,
  ),
  'Retry after minutes or hours': {
    before: `
import type { ConsumedRecord } from '@orders-pipeline/parallel-consumer';
${createTopics(1, 'payments.v1.retry-2s', 'payments.v1.retry-1h')}
const handler = async ({ topic }: ConsumedRecord) => {
  console.log('tried in', topic);
  if (topic === 'payments.v1') throw new Error('the account is locked');
};
const options = { deadLetterTopic: 'payments.v1.dead-letter', logger, handler };`,
    after: `
await consumer.start();
const retried = () => consumer.status.partitions.filter(({ topic }) => topic === 'payments.v1.retry-2s');
${until('retried().some(({ committable }) => committable > 0)')}
await consumer.stop();
await admin.disconnect();`,
    prints: /^tried in payments\.v1$[^]*^tried in payments\.v1\.retry-2s$/m,
  },
  'Read dead letters': {
    after: finishSome('deadLetters'),
    prints: /^1\/\d+: payment 1 has no amount: \{"id":"1","amount":0\}$/m,
  },
  'Consume and produce': handlesSome(
    /^produced [1-9]/m,
    createTopics(12, 'receipts.v1'),
    `
await producer.close();
const ends = await admin.fetchTopicOffsets('receipts.v1');
console.log('produced', ends.reduce((sum, { high }) => sum + Number(high), 0));
await admin.disconnect();`,
  ),
  'Read several topics': handlesSome(/^payment \{"id"/m, createTopics(1, 'refunds.v1'), 'await admin.disconnect();'),
  'Limit the rate, find hot keys, pause': {
    after: finishSome('consumer'),
    prints: /^paused \[ \{ key: 'account-1' \} \]$[^]*^called with \{"id"/m,
  },
  'Test without Kafka': {
    before: "const handler = async () => { throw new RangeError('no amount'); };",
    after: '',
    prints: /^1 4$/m,
  },
  'Use platformatic/kafka': handlesSome(/^stopped: finished [1-9]/m),
  'Handle without a promise for each record': handlesSome(
    /^checked \d+$/m,
    `
import type { ConsumedRecord } from '@orders-pipeline/parallel-consumer';
function checkWithBank({ offset }: ConsumedRecord, done: (error?: Error) => void): void {
  console.log('checked', offset);
  setTimeout(done, 10);
}`,
  ),
};

/** What a migration handles: a record that the old consumer saves, and one that is sent to the new one. */
const PAYMENTS = `
const [first = '', second = ''] = ['first', 'second'].map((name) => JSON.stringify({ id: name + crypto.randomUUID() }));
const saved: string[] = [];
const save = async (value: Buffer | null): Promise<void> => void saved.push(String(value));
const count = (value: string) => saved.filter((each) => each === value).length;
const sender = reliableProducer(kafka, logger);
const send = async (value: string) =>
  sender.send('payments.v1', [{ partition: 0, key: 'account-2', value: Buffer.from(value), headers: {} }]);
await send(first);
`;

/** The last block is the new consumer. The old one, if there is one, has saved the first record, and the new one must not repeat it. */
const MIGRATION: Program = {
  before: PAYMENTS,
  between: `
${until('count(first) > 0')}
await consumer.disconnect();
} {`,
  after: `
await send(second);
${until('count(second) > 0')}
await consumer.stop();
await sender.close();
console.log('first', count(first), 'second', count(second));`,
  prints: /^first 1 second 1$/m,
};

const NEST = `
import { Controller, Logger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern, Payload } from '@nestjs/microservices';
import { PARALLEL_CONSUMER, ParallelConsumerServer } from '@orders-pipeline/nestjs-parallel-consumer';

@Controller()
class PaymentsController {
  @EventPattern<string>('payments.v1', PARALLEL_CONSUMER)
  save(@Payload() value: unknown) {
    console.log('saved', JSON.stringify(value));
  }
}

@Module({ controllers: [PaymentsController] })
class AppModule {}

const options = { groupId: 'nest', deadLetterTopic: 'payments.v1.dead-letter' };
`;

const STRATEGY: Programs = {
  Start: { file: 'nestjs/main.ts' },
  'Health, metrics, shutdown': {
    before: NEST,
    after: `
const app = await NestFactory.createMicroservice(AppModule, { strategy });
await app.listen();
${until("strategy.getStatus('payments.v1').finished > 0")}
console.log(await register.metrics());
await app.close();`,
    prints: /parallel_consumer_finished_total\{topic="payments.v1",group="payments-savers"\} [1-9]/,
  },
  'Test without Kafka': { before: NEST, after: '', prints: /saved \{"id":"1","amount":1\}[^]*^1$/m },
};

const CLOCK: Programs = {
  '@orders-pipeline/clock': {
    between: `
let calls = 0;
const work = async () => {
  calls += 1;
  if (calls < 3) throw new Error('not yet');
};`,
    after: "await retried; console.log(calls, 'calls');",
    prints: /^3 calls$/m,
  },
};

/** The programs of each page, by its sections with `ts` blocks. */
export const PROGRAMS: Readonly<Record<string, Programs>> = {
  'README.md': PROJECT,
  'libs/parallel-consumer/README.md': ENGINE,
  'libs/parallel-consumer/docs/recipes.md': RECIPES,
  'libs/parallel-consumer/docs/from-kafkajs.md': { 'From eachMessage': MIGRATION, 'From eachBatch': MIGRATION },
  'libs/parallel-consumer/docs/from-parallel-consumer.md': { 'Replace it': MIGRATION },
  'libs/nestjs-parallel-consumer/README.md': STRATEGY,
  'libs/clock/README.md': CLOCK,
};
