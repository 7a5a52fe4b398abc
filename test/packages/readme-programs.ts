import { CLOCK } from './clock-programs.js';
import { CLASSIFIERS, DEAD_LETTERS } from './failure-programs.js';
import { ENGINE_MIGRATION, STRATEGY_MIGRATION } from './migration-programs.js';
import { CONNECTED, consumer, finishSome, LOGGER, type Example, type Program } from './program.js';

const ENGINE: Readonly<Record<string, Program | Example>> = {
  Start: { example: 'plain-node' },
  ...CLASSIFIERS,
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
  ...DEAD_LETTERS,
  'Send records': {
    before: CONNECTED,
    after: '',
    prints: /acknowledged \[ \{ partition: 1, records: 1, baseOffset: \d+ \} \]/,
  },
  'Another client': {
    before: `
import { setTimeout as sleep } from 'node:timers/promises';
${LOGGER}
const brokers = String(process.env['KAFKA_BROKERS']).split(',');
`,
    after: finishSome('other'),
    prints: /^handled \{"id"/m,
  },
  Metrics: {
    before: consumer('readme-metrics'),
    after: `await consumer.start(); ${finishSome('consumer')} console.log(await register.metrics());`,
    prints: /parallel_consumer_finished_total\{topic="payments.v1",group="payments-savers"\} [1-9]/,
  },
  Liveness: {
    before: consumer('readme-liveness'),
    after: `await consumer.start(); ${finishSome('consumer')} console.log('alive', isAlive());`,
    prints: /^alive true$/m,
  },
  'Several topics': {
    before: `${consumer('readme-topics')}
const admin = kafka.admin();
await admin.connect();
await admin.createTopics({ topics: [{ topic: 'refunds.v1', numPartitions: 1 }], waitForLeaders: false });
await admin.disconnect();
`,
    after: `await consumer.start(); ${finishSome('consumer')}`,
    prints: /^payment \{"id"/m,
  },
  'Retry topics': {
    before: `${consumer('readme-retries')}
const admin = kafka.admin();
await admin.connect();
const names = ['payments.v1.retry-2s', 'payments.v1.retry-1h'];
await admin.createTopics({ topics: names.map((topic) => ({ topic, numPartitions: 1 })), waitForLeaders: false });
await admin.disconnect();
`,
    after: `await consumer.start();
const lag = () => consumer.status.partitions.filter(({ topic }) => topic === 'payments.v1.retry-2s');
while (lag().every(({ committable }) => committable === 0)) await sleep(100);
await consumer.stop();
`,
    prints: /^tried in payments\.v1$[^]*^tried in payments\.v1\.retry-2s$/m,
    group: 'readme-retried',
  },
  'In batches': {
    before: `${consumer('readme-batches')}
async function insertAll(values: readonly (Buffer | null)[]): Promise<(Error | undefined)[]> {
  console.log('inserted', values.length);
  return values.map(() => undefined);
}
`,
    after: `await consumer.start(); ${finishSome('consumer')}`,
    prints: /inserted [1-9]/,
  },
  'Without a promise for each record': {
    before: `${consumer('readme-reporting')}
import type { BatchItem, ConsumedRecord } from '@orders-pipeline/parallel-consumer';
async function insertAll(items: readonly BatchItem[]): Promise<(Error | undefined)[]> {
  console.log('inserted', items.length);
  return items.map(() => undefined);
}
function checkWithBank({ offset }: ConsumedRecord, done: (error?: Error) => void): void {
  setTimeout(() => done(offset < 0 ? new Error('refused') : undefined), 10);
}
`,
    after: `await consumer.start(); ${finishSome('consumer')}`,
    prints: /inserted [1-9]/,
  },
  'Consume and produce': {
    before: `${consumer('readme-produce')}
const admin = kafka.admin();
await admin.connect();
await admin.createTopics({ topics: [{ topic: 'receipts.v1', numPartitions: 3 }], waitForLeaders: false });
await admin.disconnect();
`,
    after: `await consumer.start(); ${finishSome('consumer')}
await producer.close();
const found = kafka.admin();
await found.connect();
const ends = await found.fetchTopicOffsets('receipts.v1');
console.log('produced', ends.reduce((sum, { high }) => sum + Number(high), 0));
await found.disconnect();
`,
    prints: /^produced [1-9]/m,
  },
  'Limit the rate, find hot keys': {
    before: consumer('readme-limited'),
    after: `await consumer.start(); ${finishSome('consumer')}`,
    prints: /^called with \{"id"/m,
  },
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

const NEST = `
import { setTimeout as sleep } from 'node:timers/promises';
import { Controller, Logger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern, Payload } from '@nestjs/microservices';
import { nestEngineLogger, PARALLEL_CONSUMER, ParallelConsumerServer } from '@orders-pipeline/nestjs-parallel-consumer';
import { connectKafka, reliableProducer } from '@orders-pipeline/parallel-consumer/kafkajs';

@Controller()
class PaymentsController {
  @EventPattern<string>('payments.v1', PARALLEL_CONSUMER)
  save(@Payload() payment: unknown) {
    console.log('saved payment', JSON.stringify(payment));
  }
}

@Controller()
class RefundsController {
  @EventPattern<string>('refunds.v1', PARALLEL_CONSUMER)
  save(@Payload() refund: unknown) {
    console.log('saved refund', JSON.stringify(refund));
  }
}

@Module({ controllers: [PaymentsController] })
class AppModule {}

@Module({ controllers: [PaymentsController, RefundsController] })
class BothModule {}

const logger = nestEngineLogger(new Logger('kafka'));
const kafka = connectKafka({ brokers: String(process.env['KAFKA_BROKERS']).split(','), clientId: 'readme', logger });
const options = { groupId: 'readme-nest', deadLetterTopic: 'payments.v1.dead-letter' };
`;

const STRATEGY: Readonly<Record<string, Program | Example>> = {
  'Five-minute start': { example: 'nestjs' },
  'Several topics': {
    before: NEST,
    after: `
const app = await NestFactory.createMicroservice(BothModule, { strategy });
await app.listen();
const producer = reliableProducer(kafka, logger);
for (const topic of ['payments.v1', 'refunds.v1'])
  await producer.send(topic, [{ partition: 0, key: 'account-1', value: Buffer.from('{"id":"several"}'), headers: {} }]);
await producer.close();
for (const topic of ['payments.v1', 'refunds.v1']) while (strategy.getStatus(topic).finished === 0) await sleep(100);
await app.close();
`,
    prints: /saved refund \{"id":"several"\}/,
  },
  'Health, metrics, shutdown': {
    before: NEST,
    after: `
const app = await NestFactory.createMicroservice(AppModule, { strategy });
await app.listen();
while (strategy.getStatus('payments.v1').finished === 0) await sleep(100);
console.log(await register.metrics());
await app.close();
`,
    prints: /parallel_consumer_finished_total\{topic="payments.v1",group="payments-savers"\} [1-9]/,
  },
  'Tests without Kafka': {
    before: NEST.replace(/^const kafka = .*$/m, ''),
    after: '',
    prints: /saved payment \{"id":"1","amount":1\}[^]*^1$/m,
  },
};

/** The programs of each page of the packages, by the names of its blocks. */
export const PROGRAMS: Readonly<Record<string, Readonly<Record<string, Program | Example>>>> = {
  'parallel-consumer/README.md': ENGINE,
  'nestjs-parallel-consumer/README.md': STRATEGY,
  'clock/README.md': CLOCK,
  'parallel-consumer/MIGRATING.md': ENGINE_MIGRATION,
  'nestjs-parallel-consumer/MIGRATING.md': STRATEGY_MIGRATION,
};
