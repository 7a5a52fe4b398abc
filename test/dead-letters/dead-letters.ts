import { beforeAll, expect, it } from '@jest/globals';
import { orderGenerator } from '#orders/generator/generator.js';
import { OrderCodec } from '#orders/order/order-codec.js';
import type { Order } from '#orders/order/order.js';
import { DEAD_LETTER_TOPIC, ORDERS_TOPIC } from '#orders/topics/topics.js';
import { originHeaders } from '#orders/operation/record-headers.js';
import type { Kafka } from 'kafkajs';
import { eventually } from '../support/eventually.js';
import { TestSystem } from '../support/test-system.js';
import { quietKafka, readRecords, writeRecords, type ReadRecord } from '../support/topic-writer.js';

const OPERATION = '01935c9e-8a00-7000-8000-0000000000aa';

/** @param shared returns the pipeline that these specs share with others */
export function deadLettersSpecs(shared: () => TestSystem): void {
  let pipeline: TestSystem;
  let kafka: Kafka;
  let codec: OrderCodec;
  const orderAt = orderGenerator({
    operationId: OPERATION,
    seed: 7,
    count: 100,
    firstNumber: 1_000_001,
    accounts: 10,
    from: new Date('2026-01-01T00:00:00Z'),
    to: new Date('2026-01-02T00:00:00Z'),
  });

  beforeAll(async () => {
    pipeline = shared();
    kafka = quietKafka(pipeline.brokers);
    codec = await OrderCodec.connect({ url: pipeline.registryUrl });
  });

  async function saved(order: Order): Promise<boolean> {
    return (await pipeline.get(`/v1/orders/${order.id}`)).status === 200;
  }

  async function write(partition: number, ...orders: Order[]): Promise<void> {
    const records = orders.map((order) => ({ partition, key: order.accountId, value: codec.encode(order) }));
    await writeRecords(kafka, ORDERS_TOPIC, records);
  }

  it('become dead letters with their raw bytes, origin and reason, and the partition continues', async () => {
    const good = codec.encode(orderAt(0));
    const cases: [string, Buffer | null][] = [
      ['not-wire-format', Buffer.from('hello, this is text')],
      ['malformed-avro', good.subarray(0, good.length - 5)],
      ['unknown-schema', Buffer.concat([Buffer.from([0, 0, 0, 0x7f, 0xff]), good.subarray(5)])],
      ['empty-value', Buffer.alloc(0)],
      ['empty-value', null],
      ['invalid-order', codec.encode({ ...orderAt(1), quantity: 0, amount: 0n })],
    ];
    const bad = cases.map(([code, value], index) => ({
      partition: 3,
      key: `key-${index}`,
      value,
      headers: { 'x-trace': code, ...originHeaders({ operationId: OPERATION, index }) },
    }));
    const offsets = await writeRecords(kafka, ORDERS_TOPIC, [...bad, { partition: 3, key: 'good', value: good }]);
    await eventually('the valid order after the invalid ones is saved', async () => saved(orderAt(0)));

    const letters = await readRecords(kafka, DEAD_LETTER_TOPIC, cases.length);
    const byOffset = new Map(letters.map((letter) => [Number(letter.headers['dead-letter-origin-offset']), letter]));
    for (const [index, [code, value]] of cases.entries()) {
      const letter = byOffset.get(offsets[index] ?? -1) as ReadRecord;
      expect(letter.key).toEqual(Buffer.from(`key-${index}`));
      // Kafka clients read a length of -1 either as an empty value or as none, so only the bytes are compared.
      expect(letter.value?.toString('hex') ?? '').toBe(value?.toString('hex') ?? '');
      expect(letter.headers).toMatchObject({
        'x-trace': code,
        'dead-letter-origin-topic': ORDERS_TOPIC,
        'dead-letter-origin-partition': '3',
        'dead-letter-error-code': code,
        'dead-letter-attempts': '1',
      });
      expect(letter.headers['dead-letter-error-message']?.length).toBeGreaterThan(10);
      expect(Number(letter.headers['dead-letter-origin-timestamp'])).toBeGreaterThan(0);
    }
  });

  it('are stored in MongoDB by their origin, as pending', async () => {
    const deadLetters = pipeline.db.collection('deadLetters');
    await eventually('all six dead letters are stored', async () => {
      return (await deadLetters.countDocuments({ operationId: OPERATION })) === 6;
    });
    const codes = await deadLetters.distinct('error.code', { state: 'pending', operationId: OPERATION });
    expect(new Set(codes)).toEqual(
      new Set(['empty-value', 'invalid-order', 'malformed-avro', 'not-wire-format', 'unknown-schema']),
    );
  });

  it('include an order with the id or number of another order, and the saved order stays unchanged', async () => {
    const first = orderAt(10);
    const sameId = { ...orderAt(10), accountId: 'acc-other' };
    const sameNumber = { ...orderAt(11), number: first.number };
    await write(4, first);
    await eventually('the first order is saved', async () => saved(first));
    const before = await pipeline.get(`/v1/orders/${first.id}`);
    await write(4, sameId, sameNumber);
    const conflicts = pipeline.db.collection('deadLetters');
    const find = { 'error.code': 'conflict', 'origin.partition': 4 };
    await eventually(
      'both conflicting orders are dead letters',
      async () => (await conflicts.countDocuments(find)) === 2,
    );
    expect((await pipeline.get(`/v1/orders/${first.id}`)).body).toEqual(before.body);
    expect(await saved(sameNumber)).toBe(false);
  });

  it('do not include a duplicate order, which is saved once', async () => {
    const order = orderAt(20);
    const record = { partition: 5, key: order.accountId, value: codec.encode(order) };
    await writeRecords(kafka, ORDERS_TOPIC, [record, record, record]);
    await writeRecords(kafka, ORDERS_TOPIC, [{ ...record, value: codec.encode(orderAt(21)) }]);
    await eventually('the last order is saved', async () => saved(orderAt(21)));
    expect(await pipeline.db.collection('deadLetters').countDocuments({ 'origin.partition': 5 })).toBe(0);
    expect(await pipeline.db.collection('orders').countDocuments({ number: order.number })).toBe(1);
  });

  it('are stored even while MongoDB rejects one of them, which is retried', async () => {
    const letters = pipeline.db.collection('deadLetters');
    const stored = async (code: string): Promise<number> =>
      letters.countDocuments({ 'origin.partition': 6, 'error.code': code });
    await pipeline.db.command({
      collMod: letters.collectionName,
      validator: { 'error.code': { $ne: 'empty-value' } },
    });
    const texts = Array.from({ length: 20 }, (_, at) => ({
      partition: 6,
      key: `text-${at}`,
      value: Buffer.from('text'),
    }));
    await writeRecords(kafka, ORDERS_TOPIC, [{ partition: 6, key: 'empty', value: null }, ...texts]);
    await eventually(
      'the other dead letters are stored',
      async () => (await stored('not-wire-format')) === texts.length,
    );
    expect(await stored('empty-value')).toBe(0);
    await writeRecords(kafka, ORDERS_TOPIC, texts);
    await eventually(
      'later dead letters are stored too',
      async () => (await stored('not-wire-format')) === 2 * texts.length,
    );
    await pipeline.db.command({ collMod: letters.collectionName, validator: {} });
    await eventually('the rejected dead letter is stored', async () => (await stored('empty-value')) === 1);
  });

  it.each([
    ['redrive', {}],
    ['redrive', { dryRun: true }],
    ['discard', {}],
  ])('are not found by a wrong id: %s %j', async (path, options) => {
    const id = 'orders.v1/0/99999999';
    expect(await pipeline.post(`/v1/dead-letters/${path}`, { id, ...options })).toMatchObject({
      status: 404,
      body: { code: 'not-found', detail: `There is no dead letter ${id}.` },
    });
  });
}
