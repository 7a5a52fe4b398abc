/** Completes an excerpt of a page to a program that ends by itself. */
export interface Program {
  /** What the page's text or its first example has before the excerpt. */
  readonly before: string;
  readonly after: string;
  /** What the program prints. */
  readonly prints: RegExp;
  /** A consumer group in place of the page's: all programs run at once. */
  readonly group?: string;
}

/** The block is an example of its own, which `readmes.spec` runs. */
export interface Example {
  readonly example: 'plain-node' | 'nestjs';
}

type Programs = Readonly<Record<string, Program | Example>>;

const LOGGER = `
const log = (details: object, message: string) => console.log(message, JSON.stringify(details));
const logger = { info: log, warn: log, error: log };
`;

const BROKERS = `
import { setTimeout as sleep } from 'node:timers/promises';
${LOGGER}
const brokers = String(process.env['KAFKA_BROKERS']).split(',');
`;

const CONNECTED = `
import { connectKafka } from '@orders-pipeline/parallel-consumer/kafkajs';
${BROKERS}
const kafka = connectKafka({ brokers, clientId: 'readme', logger });
`;

const finishSome = (name: string): string => `
while (${name}.status.finished === 0) await sleep(100);
await ${name}.stop();
`;

/** A consumer group of its own, which begins at the first record of the topic. */
const consumer = (groupId: string): string => `
import { ParallelConsumer } from '@orders-pipeline/parallel-consumer';
import { KafkajsBroker } from '@orders-pipeline/parallel-consumer/kafkajs';
${CONNECTED}
const broker = new KafkajsBroker({ kafka, topic: 'payments.v1', groupId: '${groupId}', logger });
const options = { deadLetterTopic: 'payments.v1.dead-letter', logger, handler: async () => undefined };
`;

const withTopics = (partitions: number, ...names: string[]): string => `
const admin = kafka.admin();
await admin.connect();
const created = ${JSON.stringify(names)}.map((topic) => ({ topic, numPartitions: ${partitions} }));
await admin.createTopics({ topics: created, waitForLeaders: false });
await admin.disconnect();
`;

/** An excerpt that creates a consumer: it handles some records. @param after follows its end */
function handlesSome(group: string, prints: RegExp, { before = '', after = '' } = {}): Program {
  const ends = `await consumer.start(); ${finishSome('consumer')} ${after}`;
  return { before: `${consumer(group)}${before}`, after: ends, prints };
}

/** The code that inserts many values at once. @param type of a value */
const insertAll = (type: string): string => `
async function insertAll(values: readonly (${type})[]): Promise<(Error | undefined)[]> {
  console.log('inserted', values.length);
  return values.map(() => undefined);
}
`;

const ENGINE: Programs = {
  Start: { example: 'plain-node' },
  'Classify failures': {
    before: '',
    after: `console.log(classify(new SyntaxError('no JSON')), classify(new Error('503')));`,
    prints: /^poison environment$/m,
  },
  MongoDB: {
    before: '',
    after: `
const failures = [{ code: 121 }, { code: 112 }, { name: 'MongoTopologyClosedError' }];
console.log(failures.map((failure) => classifyMongo(Object.assign(new Error('failed'), failure))).join(' '));`,
    prints: /^poison retriable environment$/m,
  },
  PostgreSQL: {
    before: '',
    after: `
const failures = ['23514', '40P01', '57P01', 'ECONNREFUSED', '22P02'].map((code) => Object.assign(new Error('failed'), { code }));
console.log(failures.map(classifyPostgres).join(' '));`,
    prints: /^poison retriable environment environment poison$/m,
  },
  Rebalances: {
    before: consumer('readme-rebalances'),
    after: `
const member = new ParallelConsumer(
  { handler: async ({ value }) => console.log('handled', String(value)), onDeadLetter: 'stop', logger },
  cooperative,
);
await member.start();
${finishSome('member')}`,
    prints: /^handled \{"id"/m,
  },
  'Dead letters': {
    before: CONNECTED,
    after: finishSome('letters'),
    prints: /^payments\.v1, partition 1, offset \d+: RangeError: payment 1 has no amount: \{"id":"1","amount":0\}$/m,
  },
  'Send dead letters again': {
    before: CONNECTED,
    after: `${finishSome('redrive')} await producer.close();`,
    prints: /^sent again: partition 1, offset 0$/m,
  },
  'Send records': {
    before: CONNECTED,
    after: '',
    prints: /acknowledged \[ \{ partition: 1, records: 1, baseOffset: \d+ \} \]/,
  },
  'Another client': { before: BROKERS, after: finishSome('other'), prints: /^handled \{"id"/m },
  Metrics: handlesSome(
    'readme-metrics',
    /parallel_consumer_finished_total\{topic="payments.v1",group="payments-savers"\} [1-9]/,
    { after: 'console.log(await register.metrics());' },
  ),
  Liveness: handlesSome('readme-liveness', /^alive true$/m, { after: `console.log('alive', isAlive());` }),
  'Several topics': handlesSome('readme-topics', /^payment \{"id"/m, { before: withTopics(1, 'refunds.v1') }),
  'Retry topics': {
    before: `${consumer('readme-retries')} ${withTopics(1, 'payments.v1.retry-2s', 'payments.v1.retry-1h')}`,
    after: `await consumer.start();
const lag = () => consumer.status.partitions.filter(({ topic }) => topic === 'payments.v1.retry-2s');
while (lag().every(({ committable }) => committable === 0)) await sleep(100);
await consumer.stop();
`,
    prints: /^tried in payments\.v1$[^]*^tried in payments\.v1\.retry-2s$/m,
    group: 'readme-retried',
  },
  'In batches': handlesSome('readme-batches', /inserted [1-9]/, { before: insertAll('Buffer | null') }),
  'Without a promise for each record': handlesSome('readme-reporting', /inserted [1-9]/, {
    before: `
import type { BatchItem, ConsumedRecord } from '@orders-pipeline/parallel-consumer';
${insertAll('BatchItem')}
function checkWithBank({ offset }: ConsumedRecord, done: (error?: Error) => void): void {
  setTimeout(() => done(offset < 0 ? new Error('refused') : undefined), 10);
}
`,
  }),
  'Consume and produce': handlesSome('readme-produce', /^produced [1-9]/m, {
    before: withTopics(3, 'receipts.v1'),
    after: `
await producer.close();
const found = kafka.admin();
await found.connect();
const ends = await found.fetchTopicOffsets('receipts.v1');
console.log('produced', ends.reduce((sum, { high }) => sum + Number(high), 0));
await found.disconnect();
`,
  }),
  'Limit the rate, find hot keys': handlesSome('readme-limited', /^called with \{"id"/m),
  Pause: {
    before: `${consumer('readme-pause')}
const consumer = new ParallelConsumer(options, broker);
`,
    after: finishSome('consumer'),
    prints: /^paused \[ \{ key: 'account-1' \} \]$/m,
  },
  'Tests without Kafka': {
    before: `${LOGGER}
const handler = async () => {
  throw new RangeError('no amount');
};
`,
    after: '',
    prints: /^1 4$/m,
  },
};

const controllerOf = (name: string, topic: string): string => `
@Controller()
class ${name}sController {
  @EventPattern<string>('${topic}', PARALLEL_CONSUMER)
  save(@Payload() value: unknown) {
    console.log('saved ${topic}', JSON.stringify(value));
  }
}
`;

const NEST = `
import { setTimeout as sleep } from 'node:timers/promises';
import { Controller, Logger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern, Payload } from '@nestjs/microservices';
import { nestEngineLogger, PARALLEL_CONSUMER, ParallelConsumerServer } from '@orders-pipeline/nestjs-parallel-consumer';
import { connectKafka, reliableProducer } from '@orders-pipeline/parallel-consumer/kafkajs';
${controllerOf('Payment', 'payments.v1')}
${controllerOf('Refund', 'refunds.v1')}
@Module({ controllers: [PaymentsController] })
class AppModule {}

@Module({ controllers: [PaymentsController, RefundsController] })
class BothModule {}

const logger = nestEngineLogger(new Logger('kafka'));
const kafka = connectKafka({ brokers: String(process.env['KAFKA_BROKERS']).split(','), clientId: 'readme', logger });
const options = { groupId: 'readme-nest', deadLetterTopic: 'payments.v1.dead-letter' };
`;

const listen = (module: string): string => `
const app = await NestFactory.createMicroservice(${module}, { strategy });
await app.listen();
`;

const STRATEGY: Programs = {
  'Five-minute start': { example: 'nestjs' },
  'Several topics': {
    before: NEST,
    after: `${listen('BothModule')}
const producer = reliableProducer(kafka, logger);
for (const topic of ['payments.v1', 'refunds.v1'])
  await producer.send(topic, [{ partition: 0, key: 'account-1', value: Buffer.from('{"id":"several"}'), headers: {} }]);
await producer.close();
for (const topic of ['payments.v1', 'refunds.v1']) while (strategy.getStatus(topic).finished === 0) await sleep(100);
await app.close();
`,
    prints: /saved refunds\.v1 \{"id":"several"\}/,
  },
  'Health, metrics, shutdown': {
    before: NEST,
    after: `${listen('AppModule')}
while (strategy.getStatus('payments.v1').finished === 0) await sleep(100);
console.log(await register.metrics());
await app.close();
`,
    prints: /parallel_consumer_finished_total\{topic="payments.v1",group="payments-savers"\} [1-9]/,
  },
  'Tests without Kafka': {
    before: NEST.replace(/^const kafka = .*$/m, ''),
    after: '',
    prints: /saved payments\.v1 \{"id":"1","amount":1\}[^]*^1$/m,
  },
};

const CLOCK: Programs = {
  '@orders-pipeline/clock': {
    before: '',
    after: `
let calls = 0;
await retry(async () => {
  calls += 1;
  if (calls < 3) throw new Error('not yet');
});
console.log(calls, 'calls');
`,
    prints: /^3 calls$/m,
  },
  '@orders-pipeline/clock (2)': {
    before: `
import { pause, type Clock } from '@orders-pipeline/clock';
const work = () => console.log('worked');
async function retry(then: () => void, on: Clock): Promise<void> {
  await pause(on, 59_000);
  then();
}
`,
    after: 'await retried;',
    prints: /^worked$/m,
  },
};

/** Two records of their own: one for the old consumer, one for the new. @param client the name of a kafkajs client */
const records = (client: string): string => `
import { reliableProducer } from '@orders-pipeline/parallel-consumer/kafkajs';
const [first, second] = ['first', 'second'].map((name) => JSON.stringify({ id: name + crypto.randomUUID() })) as [string, string];
const seen: string[] = [];
const count = (value: string) => seen.filter((each) => each === value).length;
const save = async (value: Buffer | null): Promise<void> => void seen.push(String(value));
const sent = reliableProducer(${client}, logger);
const send = async (value: string) =>
  sent.send('payments.v1', [{ partition: 0, key: 'account-1', value: Buffer.from(value), headers: {} }]);
const until = async (value: string): Promise<void> => {
  while (count(value) === 0) await sleep(100);
};
await send(first);
`;

/** The excerpt is the old consumer: it handles a record. @param end stops it */
const oldOne = (before: string, end: string): Program => ({
  before,
  after: `
await until(first);
await ${end};
await sent.close();
console.log('saved');
`,
  prints: /^saved$/m,
});

/** The excerpt is the new consumer: the old one has handled the first record when it starts, and it handles only the second. */
const newOne = (before: string, end: string, group: string): Program => ({
  before,
  after: `
await send(second);
await until(second);
await ${end};
await sent.close();
console.log('first', count(first), 'second', count(second));
`,
  prints: /^first 1 second 1$/m,
  group,
});

const KAFKAJS = `${CONNECTED}${records('kafka')}`;

const toEngine = (group: string): Program =>
  newOne(
    `${KAFKAJS}
const old = kafka.consumer({ groupId: '${group}' });
await old.connect();
await old.subscribe({ topics: ['payments.v1'], fromBeginning: true });
await old.run({ eachMessage: async ({ message }) => save(message.value) });
await until(first);
await old.disconnect();
`,
    'consumer.stop()',
    group,
  );

const NEST_KAFKA = `
import { connectKafka as connect } from '@orders-pipeline/parallel-consumer/kafkajs';
${BROKERS}
const own = connect({ brokers, clientId: 'readme', logger });
${records('own')}
import { Controller, Logger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern, Payload, Transport, type MicroserviceOptions } from '@nestjs/microservices';

@Controller()
class PaymentsController {
  @EventPattern('payments.v1')
  async save(@Payload() payment: object) {
    await save(Buffer.from(JSON.stringify(payment)));
  }
}

@Module({ controllers: [PaymentsController] })
class AppModule {}
`;

const OLD_NEST = `${NEST_KAFKA}
const options = { client: { brokers }, consumer: { groupId: 'moved-nest' }, subscribe: { fromBeginning: true } };
const old = await NestFactory.createMicroservice<MicroserviceOptions>(AppModule, { transport: Transport.KAFKA, options });
await old.listen();
await until(first);
await old.close();
`;

/** The programs of each page of the packages, by the names of its blocks. */
export const PROGRAMS: Readonly<Record<string, Programs>> = {
  'parallel-consumer/README.md': ENGINE,
  'nestjs-parallel-consumer/README.md': STRATEGY,
  'clock/README.md': CLOCK,
  'parallel-consumer/MIGRATING.md': {
    'From kafkajs with eachMessage': oldOne(KAFKAJS, 'consumer.disconnect()'),
    'From kafkajs with eachMessage (2)': toEngine('moved-each-message'),
    'From kafkajs with eachBatch': oldOne(KAFKAJS, 'consumer.disconnect()'),
    'From kafkajs with eachBatch (2)': toEngine('moved-each-batch'),
    'From Confluent’s Parallel Consumer': toEngine('moved-parallel'),
  },
  'nestjs-parallel-consumer/MIGRATING.md': {
    'Migrate from Nest’s Kafka transport': oldOne(NEST_KAFKA, 'app.close()'),
    'Migrate from Nest’s Kafka transport (2)': newOne(OLD_NEST, 'app.close()', 'moved-nest-server'),
  },
};
