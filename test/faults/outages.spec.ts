import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { orderGenerator } from '#orders/generator/generator.js';
import { OrderCodec } from '#orders/order/order-codec.js';
import { ORDER_SCHEMA } from '#orders/order/order-schema.js';
import { ORDERS_SUBJECT, ORDERS_TOPIC } from '#orders/topics/topics.js';
import { eventually } from '../support/eventually.js';
import { Pipeline } from '../support/pipeline.js';
import { quietKafka, writeRecords } from '../support/topic-writer.js';

describe('an unavailable server', () => {
  let pipeline: Pipeline;

  beforeAll(async () => {
    pipeline = await Pipeline.start('--save-ms', '0..200');
  }, 180_000);

  afterAll(async () => {
    await pipeline.end();
  }, 60_000);

  async function hasLogged(pattern: RegExp): Promise<boolean> {
    return pattern.test(pipeline.stack.output);
  }

  async function noDeadLetters(): Promise<boolean> {
    return (await pipeline.db.collection('deadLetters').countDocuments()) === 0;
  }

  it('MongoDB, frozen during a populate, delays orders but loses none', async () => {
    const { pid } = pipeline.stack.process('MongoDB');
    const operation = await pipeline.populate({ count: 30_000, seed: 5 });
    await eventually(
      'the first orders are saved',
      30_000,
      async () => ((await pipeline.operation(operation.id)).saved ?? 0) > 0,
    );
    process.kill(pid, 'SIGSTOP');
    try {
      await eventually('the consumer pauses', 40_000, async () => hasLogged(/environment unavailable/));
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    const done = await pipeline.allSaved(operation.id, 90_000);
    expect(done).toMatchObject({ acked: 30_000, saved: 30_000, deadLettered: 0 });
    expect(await pipeline.db.collection('orders').countDocuments()).toBe(30_000);
    expect(await noDeadLetters()).toBe(true);
  }, 240_000);

  it('Kafka, killed during a populate, delays orders but loses none', async () => {
    const before = await pipeline.db.collection('orders').countDocuments();
    const operation = await pipeline.populate({ count: 30_000, seed: 6, ratePerSecond: 10_000 });
    await eventually(
      'the first orders are saved',
      30_000,
      async () => ((await pipeline.operation(operation.id)).saved ?? 0) > 0,
    );
    process.kill(pipeline.stack.process('Kafka').pid, 'SIGKILL');
    const done = await pipeline.allSaved(operation.id, 120_000);
    expect(done).toMatchObject({ status: 'succeeded', acked: 30_000, saved: 30_000, deadLettered: 0 });
    expect(await pipeline.db.collection('orders').countDocuments()).toBe(before + 30_000);
    expect(await noDeadLetters()).toBe(true);
  }, 240_000);

  it('the schema registry, frozen, delays a record with a new schema but does not dead-letter it', async () => {
    const registry = pipeline.stack.registryUrl;
    const newer = { ...ORDER_SCHEMA, fields: [...ORDER_SCHEMA.fields, { name: 'note', type: 'string', default: '' }] };
    const response = await fetch(`${registry}/subjects/${ORDERS_SUBJECT}/versions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ schema: JSON.stringify(newer) }),
    });
    const { id: schemaId } = (await response.json()) as { id: number };
    const codec = await OrderCodec.connect(registry);
    const order = orderGenerator({
      operationId: '01935c9e-8a00-7000-8000-0000000000bb',
      seed: 9,
      count: 1,
      firstNumber: 2_000_001,
      accounts: 1,
      from: new Date(0),
      to: new Date(1_000),
    })(0);
    // The newer schema has one more string field at the end; an empty string is encoded as a zero byte.
    const value = Buffer.concat([codec.encode(order), Buffer.from([0])]);
    value.writeInt32BE(schemaId, 1);

    const { pid } = pipeline.stack.process('schema registry');
    process.kill(pid, 'SIGSTOP');
    try {
      const before = pipeline.stack.output.length;
      await writeRecords(quietKafka(pipeline.stack.brokers), ORDERS_TOPIC, [
        { partition: 0, key: order.accountId, value },
      ]);
      await eventually('the consumer pauses', 60_000, async () =>
        /environment unavailable/.test(pipeline.stack.output.slice(before)),
      );
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    const isSaved = async (): Promise<boolean> => (await pipeline.get(`/v1/orders/${order.id}`)).status === 200;
    await eventually('the order is saved', 60_000, isSaved);
    expect(await noDeadLetters()).toBe(true);
  }, 180_000);
});
