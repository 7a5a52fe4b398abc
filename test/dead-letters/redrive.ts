import { beforeAll, expect, it } from '@jest/globals';
import { orderGenerator } from '#orders/generator/generator.js';
import { OrderCodec } from '#orders/order/order-codec.js';
import type { Order } from '#orders/order/order.js';
import { ordersCollection } from '#orders/order/orders-collection.js';
import { originHeaders } from '#orders/operation/record-headers.js';
import { DEAD_LETTER_TOPIC, ORDERS_TOPIC } from '#orders/topics/topics.js';
import type {
  DeadLetterGroups,
  DeadLetterResponse,
  DeadLettersPage,
} from '../../apps/producer/src/dead-letters/dead-letter-response.js';
import type { OperationResponse } from '../../apps/producer/src/operations/operation-response.js';
import { eventually } from '../support/eventually.js';
import { TestSystem } from '../support/test-system.js';
import type { Answer } from '../support/tested-stack.js';
import { Redrives } from '../support/redrives.js';
import { quietKafka, writeRecords } from '../support/topic-writer.js';

const OPERATION = '01935c9e-8a00-7000-8000-0000000000bb';

/** @param shared returns the pipeline that these specs share with others */
export function redriveSpecs(shared: () => TestSystem): void {
  let pipeline: TestSystem;
  let redrives: Redrives;
  let codec: OrderCodec;
  const orderAt = orderGenerator({
    operationId: OPERATION,
    seed: 9,
    count: 1_000,
    firstNumber: 5_000_001,
    accounts: 50,
    from: new Date('2026-01-01T00:00:00Z'),
    to: new Date('2026-01-02T00:00:00Z'),
  });

  beforeAll(async () => {
    pipeline = shared();
    redrives = new Redrives(pipeline);
    codec = await OrderCodec.connect({ url: pipeline.registryUrl });
  });

  async function write(value: (order: Order) => Buffer, ...indexes: number[]): Promise<void> {
    const records = indexes.map((index) => ({
      partition: 1,
      key: orderAt(index).accountId,
      value: value(orderAt(index)),
      headers: { 'x-trace': `t${index}`, ...originHeaders({ operationId: OPERATION, index }) },
    }));
    await writeRecords(quietKafka(pipeline.brokers), ORDERS_TOPIC, records);
  }

  const withUnknownSchema = (order: Order): Buffer =>
    Buffer.concat([Buffer.from([0, 0, 0, 0x7f, 0xff]), codec.encode(order).subarray(5)]);

  it('are grouped by their error code', async () => {
    // Other orders already have the numbers of orders 10 to 12.
    await write((order) => codec.encode({ ...order, id: crypto.randomUUID() }), 10, 11, 12);
    await eventually(
      'the other orders are saved',
      async () => (await ordersCollection(pipeline.db).countDocuments()) === 3,
    );
    await write((order) => codec.encode(order), 10, 11, 12);
    await write(withUnknownSchema, 20, 21);
    await eventually('five letters are stored', async () => (await redrives.letters.countDocuments()) === 5);
    const { body } = await redrives.get<DeadLetterGroups>('/v1/dead-letters');
    expect(body).toMatchObject({
      state: 'pending',
      total: 5,
      items: [
        { errorCode: 'conflict', count: 3, operations: 1, redriven: 0 },
        { errorCode: 'unknown-schema', count: 2, operations: 1, redriven: 0 },
      ],
    });
    const { body: none } = await redrives.get<DeadLetterGroups>(`/v1/dead-letters?errorCode=conflict&state=saved`);
    expect([none.total, none.items]).toEqual([0, []]);
  });

  it('can be read one by one, with their decoded order and their bytes', async () => {
    const { body: page } = await redrives.get<DeadLettersPage>(
      '/v1/dead-letters/records?errorCode=conflict&pageSize=2',
    );
    const { body: rest } = await redrives.get<DeadLettersPage>(page.page.next ?? 'absent');
    expect([page.items.length, rest.items.length, rest.page.next]).toEqual([2, 1, undefined]);
    const [first] = page.items;
    const { body: letter } = await redrives.get<DeadLetterResponse>(`/v1/dead-letters/records/${first?.id}`);
    const order = orderAt(first?.index ?? -1);
    expect(letter).toMatchObject({ gone: null, undecodable: null, decoded: { id: order.id, number: order.number } });
    expect(letter.record?.valueFrom).toBe('letter');
    expect(letter.record?.key?.text).toBe(order.accountId);
    expect(letter.record?.value?.base64).toBe(codec.encode(order).toString('base64'));
    const headers = letter.record?.headers.map(({ name, value }) => `${name}: ${value.text}`);
    expect(headers).toEqual([`x-trace: t${first?.index}`, `operation-id: ${OPERATION}`, `index: ${first?.index}`]);
  });

  it('include the decoding error if their bytes can not be decoded', async () => {
    const { body: page } = await redrives.get<DeadLettersPage>('/v1/dead-letters/records?errorCode=unknown-schema');
    const { body } = await redrives.get<DeadLetterResponse>(`/v1/dead-letters/records/${page.items[0]?.id}`);
    expect(body).toMatchObject({ decoded: null, undecodable: { code: 'unknown-schema' } });
    expect((await redrives.get('/v1/dead-letters/records/orders.v1/1/999999')).status).toBe(404);
    expect((await redrives.get('/v1/dead-letters/records/orders.v1/x/1')).status).toBe(400);
  });

  it('are not changed by a dry run, which returns what would be sent', async () => {
    const answer = await redrives.ask({ all: true, dryRun: true });
    expect([answer.status, answer.body]).toEqual([
      200,
      {
        letters: 5,
        spent: 0,
        errors: [
          { errorCode: 'conflict', count: 3 },
          { errorCode: 'unknown-schema', count: 2 },
        ],
      },
    ]);
    expect((await redrives.ask({ errorCode: 'conflict', limit: 2, dryRun: true })).body).toMatchObject({
      letters: 2,
    });
    expect(await redrives.groups()).toEqual({ conflict: 3, 'unknown-schema': 2 });
  });

  it('return as one pending document each if the cause was not fixed', async () => {
    const { status, headers, body } = await redrives.ask({ errorCode: 'unknown-schema' });
    expect([status, headers.get('location')]).toEqual([202, `/v1/operations/${body.id}`]);
    expect(body).toMatchObject({ kind: 'redrive', count: 2, firstNumber: null, seed: null });
    const end = await redrives.ended(body.id);
    expect(end).toMatchObject({ status: 'succeeded', acked: 2, saved: 0, deadLettered: 2 });
    expect(end.redrive).toMatchObject({ moved: 2, saved: 0, returned: 2, missing: 0, waiting: 0, unmovable: 0 });
    expect(end.firstErrors).toMatchObject([{ code: 'unknown-schema' }, { code: 'unknown-schema' }]);
    expect(await redrives.groups()).toEqual({ conflict: 3, 'unknown-schema': 2 });
    const { body: page } = await redrives.get<DeadLettersPage>(`/v1/dead-letters/records?redriveId=${body.id}`);
    expect(page.items).toHaveLength(2);
    for (const item of page.items) {
      expect(item).toMatchObject({ state: 'pending', redrives: 1, tries: [{ outcome: 'returned' }] });
      const { body: letter } = await redrives.get<DeadLetterResponse>(`/v1/dead-letters/records/${item.id}`);
      expect(letter).toMatchObject({
        record: { headers: expect.arrayContaining([expect.objectContaining({ name: 'x-trace' })]) },
      });
    }
    const { body: groups } = await redrives.get<DeadLetterGroups>('/v1/dead-letters?errorCode=unknown-schema');
    const ends = page.items.map(({ tries }) => tries.at(-1)?.endedAt ?? '').toSorted();
    expect(groups.items[0]?.lastAt).toBe(ends.at(-1));
  });

  it('are skipped once maxRedrives is reached, with a message', async () => {
    const answer = await redrives.ask({ errorCode: 'unknown-schema', maxRedrives: 1 });
    expect([answer.status, answer.body.code]).toEqual([409, 'nothing-to-redrive']);
    expect(answer.body.detail).toMatch(/redriven 1 times/);
    const { body: plan } = await redrives.ask({ all: true, maxRedrives: 1, dryRun: true });
    expect(plan).toMatchObject({ letters: 3, spent: 2 });
  });

  it('are saved once the cause is fixed, and record where they were sent', async () => {
    await ordersCollection(pipeline.db).deleteMany({});
    const { body } = await redrives.ask({ errorCode: 'conflict', limit: 1_000 });
    expect(body.count).toBe(3);
    const end = await redrives.ended(body.id);
    expect(end.redrive).toMatchObject({ moved: 3, saved: 3, returned: 0, missing: 0 });
    for (const index of [10, 11, 12]) {
      const { id } = orderAt(index);
      expect((await pipeline.get(`/v1/orders/${id}`)).body).toMatchObject({ id });
    }
    expect([await redrives.groups('saved'), await redrives.groups()]).toEqual([
      { conflict: 3 },
      { 'unknown-schema': 2 },
    ]);
    const { body: page } = await redrives.get<DeadLettersPage>(`/v1/dead-letters/records?redriveId=${body.id}`);
    const saved = await ordersCollection(pipeline.db).find().toArray();
    const places = new Map(saved.map(({ _id, ingest }) => [_id.toHexString(), Number(ingest.offset)]));
    for (const { tries } of page.items)
      expect(tries[0]?.sent).toEqual({ partition: 1, offset: places.get(tries[0]?.orderId ?? '') });
  });

  it('are sent once by concurrent redrives, and a redrive without dead letters is rejected', async () => {
    const answers = await Promise.all([1, 2, 3].map(async () => redrives.ask({ operationId: OPERATION })));
    const accepted = answers.filter(({ status }) => status === 202);
    expect(accepted.reduce((sum, { body }) => sum + (body.count ?? 0), 0)).toBe(2);
    for (const { status } of answers) expect([202, 409]).toContain(status);
    for (const { body } of accepted) await redrives.ended(body.id);
    expect(await redrives.letters.distinct('redrives', { state: 'pending' })).toEqual([2]);
    const nothing = await redrives.ask({ errorCode: 'no-such-error' });
    expect(nothing.body).toMatchObject({ code: 'nothing-to-redrive' });
  });

  it('belong to the same operation for the same key, which rejects another body', async () => {
    const key = { 'idempotency-key': 'again-1' };
    const ask = async (body: object): Promise<Answer<OperationResponse>> => {
      const response = await fetch(`${pipeline.producerUrl}/v1/dead-letters/redrive`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...key },
        body: JSON.stringify(body),
      });
      return {
        status: response.status,
        headers: response.headers,
        body: (await response.json()) as OperationResponse,
      };
    };
    const [first, second] = [await ask({ errorCode: 'unknown-schema' }), await ask({ errorCode: 'unknown-schema' })];
    expect([first.status, second.status, second.body.id]).toEqual([202, 202, first.body.id]);
    expect((await ask({ all: true })).status).toBe(422);
    await redrives.ended(first.body.id);
    key['idempotency-key'] = 'again-2';
    const atOnce = await Promise.all([1, 2, 3, 4].map(async () => ask({ errorCode: 'unknown-schema' })));
    expect(new Set(atOnce.map(({ status, body }) => `${status} ${body.id} ${body.count}`)).size).toBe(1);
    expect((await redrives.ended(atOnce[0]?.body.id ?? '')).redrive).toMatchObject({ moved: 2, returned: 2 });
    expect(await redrives.letters.countDocuments({ state: 'redriving' })).toBe(0);
    expect((await redrives.ended(first.body.id)).redrive).toMatchObject({ moved: 2, returned: 2 });
  });

  it('that Kafka has deleted are reported as unmovable, and stay pending', async () => {
    const admin = quietKafka(pipeline.brokers).admin();
    await admin.connect();
    const ends = await admin.fetchTopicOffsets(DEAD_LETTER_TOPIC);
    const partitions = ends.map(({ partition, high }) => ({ partition, offset: high }));
    await admin.deleteTopicRecords({ topic: DEAD_LETTER_TOPIC, partitions });
    await admin.disconnect();
    const { body } = await redrives.ask({ errorCode: 'unknown-schema' });
    expect((await redrives.ended(body.id)).redrive).toMatchObject({ moved: 0, unmovable: 2 });
    expect((await redrives.groups())['unknown-schema']).toBe(2);
    const { body: page } = await redrives.get<DeadLettersPage>('/v1/dead-letters/records?errorCode=unknown-schema');
    const { body: letter } = await redrives.get<DeadLetterResponse>(`/v1/dead-letters/records/${page.items[0]?.id}`);
    expect(letter).toMatchObject({ record: null, gone: 'letter-gone' });
  });

  it('are no longer pending once they are discarded', async () => {
    const { body } = await pipeline.post<{ discarded: number }>('/v1/dead-letters/discard', {
      errorCode: 'unknown-schema',
    });
    expect(body).toEqual({ discarded: 2 });
    expect([(await redrives.groups())['unknown-schema'], await redrives.groups('discarded')]).toEqual([
      undefined,
      { 'unknown-schema': 2 },
    ]);
    expect((await redrives.ask({ errorCode: 'unknown-schema' })).status).toBe(409);
  });
}
