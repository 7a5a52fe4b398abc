import { CONNECTED, LOGGER, type Program } from './program.js';

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

/** The old consumer has handled the first record when the new one starts. */
const MOVED = `
await send(second);
await until(second);
await consumer.stop();
await sent.close();
console.log('first', count(first), 'second', count(second));
`;
/** The old consumer saw the first record, and the new one only the second. */
const ONCE = /^first 1 second 1$/m;

const oldConsumer = (group: string): string => `${CONNECTED}${records('kafka')}
const old = kafka.consumer({ groupId: '${group}' });
await old.connect();
await old.subscribe({ topics: ['payments.v1'], fromBeginning: true });
await old.run({ eachMessage: async ({ message }) => save(message.value) });
await until(first);
await old.disconnect();
`;

const fromKafkajs: Program = {
  before: `${CONNECTED}${records('kafka')}`,
  after: `
await until(first);
await consumer.disconnect();
await sent.close();
console.log('saved');
`,
  prints: /^saved$/m,
};

const toEngine = (group: string): Program => ({ before: oldConsumer(group), after: MOVED, prints: ONCE, group });

/** The programs of the engine's MIGRATING.md. */
export const ENGINE_MIGRATION: Readonly<Record<string, Program>> = {
  'From kafkajs with eachMessage': fromKafkajs,
  'From kafkajs with eachMessage (2)': toEngine('moved-each-message'),
  'From kafkajs with eachBatch': fromKafkajs,
  'From kafkajs with eachBatch (2)': toEngine('moved-each-batch'),
  'From Confluent’s Parallel Consumer': toEngine('moved-parallel'),
};

const NEST = `
import { setTimeout as sleep } from 'node:timers/promises';
import { connectKafka as connect } from '@orders-pipeline/parallel-consumer/kafkajs';
${LOGGER}
const brokers = String(process.env['KAFKA_BROKERS']).split(',');
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

/** The programs of the strategy's MIGRATING.md. */
export const STRATEGY_MIGRATION: Readonly<Record<string, Program>> = {
  'Migrate from Nest’s Kafka transport': {
    before: NEST,
    after: `
await until(first);
await app.close();
await sent.close();
console.log('saved');
`,
    prints: /^saved$/m,
  },
  'Migrate from Nest’s Kafka transport (2)': {
    before: `${NEST}
const options = { client: { brokers }, consumer: { groupId: 'moved-nest' }, subscribe: { fromBeginning: true } };
const old = await NestFactory.createMicroservice<MicroserviceOptions>(AppModule, { transport: Transport.KAFKA, options });
await old.listen();
await until(first);
await old.close();
`,
    after: `
await send(second);
await until(second);
await app.close();
await sent.close();
console.log('first', count(first), 'second', count(second));
`,
    prints: ONCE,
    group: 'moved-nest-server',
  },
};
