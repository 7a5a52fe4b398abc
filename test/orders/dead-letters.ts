import { beforeAll, expect, it } from '@jest/globals';
import { OrderCodec } from '#orders/order/order-codec.js';
import type { Order } from '#orders/order/order.js';
import { DEAD_LETTER_TOPIC, ORDERS_TOPIC } from '#orders/topics/topics.js';
import { deadLettersCollection } from '#orders/dead-letter/dead-letters.js';
import { eventually } from '../support/eventually.js';
import { TestSystem } from '../support/test-system.js';
import { findRecords, quietKafka, type ReadRecord } from '../support/topic-writer.js';
import { WrittenOperation } from '../support/sent-orders.js';

/** @param shared returns the pipeline that these specs share with others */
export function deadLettersSpecs(shared: () => TestSystem): void {
  let pipeline: TestSystem;
  let codec: OrderCodec;

  beforeAll(async () => {
    pipeline = shared();
    codec = await OrderCodec.connect({ url: pipeline.registryUrl });
  });

  async function saved(order: Order): Promise<boolean> {
    return (await pipeline.get(`/v1/orders/${order.id}`)).status === 200;
  }

  /** Counts the dead letters of an operation. */
  async function lettersOf({ id }: WrittenOperation, code?: string): Promise<number> {
    const filter = { operationId: id, ...(code !== undefined && { 'error.code': code }) };
    return deadLettersCollection(pipeline.db).countDocuments(filter);
  }

  it('become dead letters with their raw bytes, origin and reason, and the partition continues', async () => {
    const operation = new WrittenOperation(pipeline, codec);
    const good = codec.encode(operation.orderAt(6));
    const cases: [string, Buffer | null][] = [
      ['not-wire-format', Buffer.from('hello, this is text')],
      ['malformed-avro', good.subarray(0, good.length - 5)],
      ['unknown-schema', operation.withUnknownSchema(operation.orderAt(2))],
      ['empty-value', Buffer.alloc(0)],
      ['empty-value', null],
      ['invalid-order', codec.encode({ ...operation.orderAt(5), quantity: 0, amount: 0n })],
    ];
    const indexes = [...cases.keys()];
    const offsets = await operation.write(3, indexes, (_, index) => cases[index]?.[1] ?? null);
    await operation.write(3, [6]);
    await eventually('the valid order after the invalid ones is saved', async () => saved(operation.orderAt(6)));

    const letters = await findRecords(quietKafka(pipeline.brokers), DEAD_LETTER_TOPIC, cases.length, ({ headers }) => {
      return headers['operation-id'] === operation.id;
    });
    const byOffset = new Map(letters.map((letter) => [Number(letter.headers['dead-letter-origin-offset']), letter]));
    for (const [index, [code, value]] of cases.entries()) {
      const letter = byOffset.get(offsets[index] ?? -1) as ReadRecord;
      expect(letter.key).toEqual(Buffer.from(operation.orderAt(index).accountId));
      // Kafka clients read a length of -1 either as an empty value or as none, so only the bytes are compared.
      expect(letter.value?.toString('hex') ?? '').toBe(value?.toString('hex') ?? '');
      expect(letter.headers).toMatchObject({
        'x-trace': `t${index}`,
        'dead-letter-origin-topic': ORDERS_TOPIC,
        'dead-letter-origin-partition': '3',
        'dead-letter-error-code': code,
        'dead-letter-attempts': '1',
      });
      expect(letter.headers['dead-letter-error-message']?.length).toBeGreaterThan(10);
      expect(Number(letter.headers['dead-letter-origin-timestamp'])).toBeGreaterThan(0);
    }

    // MongoDB stores them by their origin.
    await eventually('all six dead letters are stored', async () => (await lettersOf(operation)) === 6);
    const stored = await deadLettersCollection(pipeline.db).find({ operationId: operation.id }).toArray();
    const found = stored.map(({ _id, state, error }) => `${_id} ${state} ${error.code}`);
    const expected = cases.map(([code], index) => `${ORDERS_TOPIC}/3/${offsets[index]} pending ${code}`);
    expect(found.toSorted()).toEqual(expected.toSorted());
  });

  it('include an order with the id or number of another order, and the saved order stays unchanged', async () => {
    const operation = new WrittenOperation(pipeline, codec);
    const [first, other] = [operation.orderAt(0), operation.orderAt(1)];
    await operation.write(4, [0]);
    await eventually('the first order is saved', async () => saved(first));
    const before = await pipeline.get(`/v1/orders/${first.id}`);
    await operation.write(4, [0], (order) => codec.encode({ ...order, accountId: 'acc-other' }));
    await operation.write(4, [1], (order) => codec.encode({ ...order, number: first.number }));
    await eventually('both conflicting orders are dead letters', async () => {
      return (await lettersOf(operation, 'conflict')) === 2;
    });
    expect((await pipeline.get(`/v1/orders/${first.id}`)).body).toEqual(before.body);
    expect(await saved(other)).toBe(false);
  });

  it('do not include a duplicate order, which is saved once', async () => {
    const operation = new WrittenOperation(pipeline, codec);
    const order = operation.orderAt(0);
    await operation.write(5, [0, 0, 0, 1]);
    for (const index of [0, 1])
      await eventually(`order ${index} is saved`, async () => saved(operation.orderAt(index)));
    expect(await lettersOf(operation)).toBe(0);
    expect(await pipeline.db.collection('orders').countDocuments({ number: order.number })).toBe(1);
  });

  it('are stored even while MongoDB rejects one of them, which is retried', async () => {
    const operation = new WrittenOperation(pipeline, codec);
    const { collectionName: collMod } = deadLettersCollection(pipeline.db);
    const texts = Array.from({ length: 20 }, (_, at) => at + 1);
    const writeTexts = async () => operation.write(6, texts, () => Buffer.from('text'));
    await pipeline.db.command({ collMod, validator: { 'error.code': { $ne: 'empty-value' } } });
    try {
      await operation.write(6, [0], () => null);
      await writeTexts();
      await eventually('the other dead letters are stored', async () => {
        return (await lettersOf(operation, 'not-wire-format')) === texts.length;
      });
      expect(await lettersOf(operation, 'empty-value')).toBe(0);
      await writeTexts();
      await eventually('later dead letters are stored too', async () => {
        return (await lettersOf(operation, 'not-wire-format')) === 2 * texts.length;
      });
    } finally {
      await pipeline.db.command({ collMod, validator: {} });
    }
    await eventually('the rejected dead letter is stored', async () => {
      return (await lettersOf(operation, 'empty-value')) === 1;
    });
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
