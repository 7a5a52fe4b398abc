import { beforeAll, expect, it } from '@jest/globals';
import { UUID } from 'mongodb';
import { OrderCodec } from '#orders/order/order-codec.js';
import { ordersCollection } from '#orders/order/order-document.js';
import { DEAD_LETTER_TOPIC } from '#orders/topics/topics.js';
import type {
  DeadLetterGroups,
  DeadLetterResponse,
  DeadLettersPage,
} from '../../apps/producer/src/dead-letters/dead-letter-api.js';
import { eventually } from '../support/eventually.js';
import { TestSystem } from '../support/test-system.js';
import { Redrives, WrittenOperation } from '../support/sent-orders.js';
import { quietKafka, topicOffsets } from '../support/topic-writer.js';

const PARTITION = 1;

/** An operation with dead letters: first those in conflict with saved orders, then those of an unknown schema. */
interface DeadLettered {
  readonly operation: WrittenOperation;
  readonly operationId: string;
  /** Removes the saved orders, so that a redrive of the conflicting ones succeeds. */
  readonly fix: () => Promise<void>;
}

/** @param shared returns the pipeline that these specs share with others */
export function redriveSpecs(shared: () => TestSystem): void {
  let pipeline: TestSystem;
  let redrives: Redrives;
  let codec: OrderCodec;

  beforeAll(async () => {
    pipeline = shared();
    redrives = new Redrives(pipeline);
    codec = await OrderCodec.connect({ url: pipeline.registryUrl });
  });

  async function deadLettered({ conflicts = 0, unknown = 0 }): Promise<DeadLettered> {
    const operation = new WrittenOperation(pipeline, codec);
    const indexes = Array.from({ length: conflicts + unknown }, (_, index) => index);
    const [conflicting, unreadable] = [indexes.slice(0, conflicts), indexes.slice(conflicts)];
    const ids = conflicting.map(() => crypto.randomUUID());
    const saved = { _id: { $in: ids.map((id) => new UUID(id)) } };
    await operation.write(PARTITION, conflicting, (order, index) => codec.encode({ ...order, id: ids[index] ?? '' }));
    const orders = ordersCollection(pipeline.db);
    await eventually('the other orders are saved', async () => (await orders.countDocuments(saved)) === conflicts);
    await operation.write(PARTITION, conflicting);
    await operation.write(PARTITION, unreadable, (order) => operation.withUnknownSchema(order));
    const { id: operationId } = operation;
    await eventually('the dead letters are stored', async () => {
      return (await redrives.letters.countDocuments({ operationId })) === conflicts + unknown;
    });
    return { operation, operationId, fix: async () => void (await orders.deleteMany(saved)) };
  }

  it('are grouped by their error code', async () => {
    const { operationId } = await deadLettered({ conflicts: 3, unknown: 2 });
    const { body } = await redrives.get<DeadLetterGroups>(`/v1/dead-letters?operationId=${operationId}`);
    expect(body).toMatchObject({
      state: 'pending',
      total: 5,
      items: [
        { errorCode: 'conflict', count: 3, operations: 1, redriven: 0 },
        { errorCode: 'unknown-schema', count: 2, operations: 1, redriven: 0 },
      ],
    });
    const { body: none } = await redrives.get<DeadLetterGroups>(
      `/v1/dead-letters?operationId=${operationId}&errorCode=conflict&state=saved`,
    );
    expect([none.total, none.items]).toEqual([0, []]);
  });

  it('can be read one by one, with their decoded order and their bytes', async () => {
    const { operation, operationId } = await deadLettered({ conflicts: 3 });
    const { body: page } = await redrives.get<DeadLettersPage>(
      `/v1/dead-letters/records?operationId=${operationId}&errorCode=conflict&pageSize=2`,
    );
    const { body: rest } = await redrives.get<DeadLettersPage>(page.page.next ?? 'absent');
    expect([page.items.length, rest.items.length, rest.page.next]).toEqual([2, 1, undefined]);
    const [first] = page.items;
    const { body: letter } = await redrives.get<DeadLetterResponse>(`/v1/dead-letters/records/${first?.id}`);
    const order = operation.orderAt(first?.index ?? -1);
    expect(letter).toMatchObject({ gone: null, undecodable: null, decoded: { id: order.id, number: order.number } });
    expect(letter.record?.valueFrom).toBe('letter');
    expect(letter.record?.key?.text).toBe(order.accountId);
    expect(letter.record?.value?.base64).toBe(codec.encode(order).toString('base64'));
    const headers = letter.record?.headers.map(({ name, value }) => `${name}: ${value.text}`);
    expect(headers).toEqual([`x-trace: t${first?.index}`, `operation-id: ${operationId}`, `index: ${first?.index}`]);
  });

  it('include the decoding error if their bytes can not be decoded', async () => {
    const { operationId } = await deadLettered({ unknown: 1 });
    const { body: page } = await redrives.get<DeadLettersPage>(
      `/v1/dead-letters/records?operationId=${operationId}&errorCode=unknown-schema`,
    );
    const { body } = await redrives.get<DeadLetterResponse>(`/v1/dead-letters/records/${page.items[0]?.id}`);
    expect(body).toMatchObject({ decoded: null, undecodable: { code: 'unknown-schema' } });
    expect((await redrives.get('/v1/dead-letters/records/orders.v1/1/999999')).status).toBe(404);
    expect((await redrives.get('/v1/dead-letters/records/orders.v1/x/1')).status).toBe(400);
  });

  it('are not changed by a dry run, which returns what would be sent', async () => {
    const all = async () => (await redrives.ask({ all: true, dryRun: true })).body;
    const before = await all();
    const { operationId } = await deadLettered({ conflicts: 3, unknown: 2 });
    const { status, body } = await redrives.ask({ operationId, dryRun: true });
    const errors = [
      { errorCode: 'conflict', count: 3 },
      { errorCode: 'unknown-schema', count: 2 },
    ];
    expect([status, body]).toEqual([200, { letters: 5, spent: 0, errors }]);
    const limited = await redrives.ask({ operationId, errorCode: 'conflict', limit: 2, dryRun: true });
    expect(limited.body).toMatchObject({ letters: 2 });
    expect((await all()).letters).toBe((before.letters ?? 0) + 5);
    expect(await redrives.groups('pending', operationId)).toEqual({ conflict: 3, 'unknown-schema': 2 });
  });

  it('return as one pending document each if the cause was not fixed', async () => {
    const { operationId } = await deadLettered({ conflicts: 1, unknown: 2 });
    const { status, headers, body } = await redrives.ask({ operationId, errorCode: 'unknown-schema' });
    expect([status, headers.get('location')]).toEqual([202, `/v1/operations/${body.id}`]);
    expect(body).toMatchObject({ kind: 'redrive', count: 2, firstNumber: null, seed: null });
    const end = await redrives.ended(body.id);
    expect(end).toMatchObject({ status: 'succeeded', acked: 2, saved: 0, deadLettered: 2 });
    expect(end.redrive).toMatchObject({ moved: 2, saved: 0, returned: 2, missing: 0, waiting: 0, unmovable: 0 });
    expect(end.firstErrors).toMatchObject([{ code: 'unknown-schema' }, { code: 'unknown-schema' }]);
    expect(await redrives.groups('pending', operationId)).toEqual({ conflict: 1, 'unknown-schema': 2 });
    const { body: page } = await redrives.get<DeadLettersPage>(`/v1/dead-letters/records?redriveId=${body.id}`);
    expect(page.items).toHaveLength(2);
    for (const item of page.items) {
      expect(item).toMatchObject({ state: 'pending', redrives: 1, tries: [{ outcome: 'returned' }] });
      const { body: letter } = await redrives.get<DeadLetterResponse>(`/v1/dead-letters/records/${item.id}`);
      expect(letter).toMatchObject({
        record: { headers: expect.arrayContaining([expect.objectContaining({ name: 'x-trace' })]) },
      });
    }
    const { body: groups } = await redrives.get<DeadLetterGroups>(
      `/v1/dead-letters?operationId=${operationId}&errorCode=unknown-schema`,
    );
    const ends = page.items.map(({ tries }) => tries.at(-1)?.endedAt ?? '').toSorted();
    expect(groups.items[0]?.lastAt).toBe(ends.at(-1));
  });

  it('are skipped once maxRedrives is reached, with a message', async () => {
    const { operationId } = await deadLettered({ conflicts: 3, unknown: 2 });
    const once = await redrives.ask({ operationId, errorCode: 'unknown-schema' });
    await redrives.ended(once.body.id);
    const answer = await redrives.ask({ operationId, errorCode: 'unknown-schema', maxRedrives: 1 });
    expect([answer.status, answer.body.code]).toEqual([409, 'nothing-to-redrive']);
    expect(answer.body.detail).toMatch(/redriven 1 times/);
    const { body: plan } = await redrives.ask({ operationId, maxRedrives: 1, dryRun: true });
    expect(plan).toMatchObject({ letters: 3, spent: 2 });
  });

  it('are saved once the cause is fixed, and record where they were sent', async () => {
    const { operation, operationId, fix } = await deadLettered({ conflicts: 3, unknown: 2 });
    await fix();
    const { body } = await redrives.ask({ operationId, errorCode: 'conflict', limit: 1_000 });
    expect(body.count).toBe(3);
    const end = await redrives.ended(body.id);
    expect(end.redrive).toMatchObject({ moved: 3, saved: 3, returned: 0, missing: 0 });
    const ids = [0, 1, 2].map((index) => operation.orderAt(index).id);
    for (const id of ids) expect((await pipeline.get(`/v1/orders/${id}`)).body).toMatchObject({ id });
    expect([await redrives.groups('saved', operationId), await redrives.groups('pending', operationId)]).toEqual([
      { conflict: 3 },
      { 'unknown-schema': 2 },
    ]);
    const { body: page } = await redrives.get<DeadLettersPage>(`/v1/dead-letters/records?redriveId=${body.id}`);
    const filter = { _id: { $in: ids.map((id) => new UUID(id)) } };
    const saved = await ordersCollection(pipeline.db).find(filter).toArray();
    const places = new Map(saved.map(({ _id, ingest }) => [_id.toHexString(), Number(ingest.offset)]));
    expect(page.items.map(({ tries }) => tries[0]?.orderId ?? '').toSorted()).toEqual(ids.toSorted());
    for (const { tries } of page.items)
      expect(tries[0]?.sent).toEqual({ partition: PARTITION, offset: places.get(tries[0]?.orderId ?? '') });
  });

  it('are sent once by concurrent redrives, and a redrive without dead letters is rejected', async () => {
    const { operationId } = await deadLettered({ unknown: 2 });
    const answers = await Promise.all([1, 2, 3].map(async () => redrives.ask({ operationId })));
    const accepted = answers.filter(({ status }) => status === 202);
    expect(accepted.reduce((sum, { body }) => sum + (body.count ?? 0), 0)).toBe(2);
    for (const { status } of answers) expect([202, 409]).toContain(status);
    for (const { body } of accepted) await redrives.ended(body.id);
    expect(await redrives.letters.distinct('redrives', { operationId, state: 'pending' })).toEqual([1]);
    const nothing = await redrives.ask({ operationId, errorCode: 'no-such-error' });
    expect(nothing.body).toMatchObject({ code: 'nothing-to-redrive' });
  });

  it('belong to the same operation for the same key, which rejects another body', async () => {
    const { operationId } = await deadLettered({ unknown: 2 });
    const [key, otherKey] = [crypto.randomUUID(), crypto.randomUUID()];
    const [first, second] = [await redrives.ask({ operationId }, key), await redrives.ask({ operationId }, key)];
    expect([first.status, second.status, second.body.id]).toEqual([202, 202, first.body.id]);
    expect((await redrives.ask({ all: true }, key)).status).toBe(422);
    await redrives.ended(first.body.id);
    const atOnce = await Promise.all([1, 2, 3, 4].map(async () => redrives.ask({ operationId }, otherKey)));
    expect(new Set(atOnce.map(({ status, body }) => `${status} ${body.id} ${body.count}`)).size).toBe(1);
    expect((await redrives.ended(atOnce[0]?.body.id ?? '')).redrive).toMatchObject({ moved: 2, returned: 2 });
    expect(await redrives.letters.countDocuments({ operationId, state: 'redriving' })).toBe(0);
    expect((await redrives.ended(first.body.id)).redrive).toMatchObject({ moved: 2, returned: 2 });
  });

  it('that Kafka has deleted are reported as unmovable, and stay pending', async () => {
    const { operationId } = await deadLettered({ unknown: 2 });
    const admin = quietKafka(pipeline.brokers).admin();
    await admin.connect();
    const ends = await topicOffsets(admin, DEAD_LETTER_TOPIC);
    const partitions = ends.map(({ partition, high }) => ({ partition, offset: high }));
    await admin.deleteTopicRecords({ topic: DEAD_LETTER_TOPIC, partitions });
    await admin.disconnect();
    const { body } = await redrives.ask({ operationId });
    expect((await redrives.ended(body.id)).redrive).toMatchObject({ moved: 0, unmovable: 2 });
    expect(await redrives.groups('pending', operationId)).toEqual({ 'unknown-schema': 2 });
    const { body: page } = await redrives.get<DeadLettersPage>(`/v1/dead-letters/records?operationId=${operationId}`);
    const { body: letter } = await redrives.get<DeadLetterResponse>(`/v1/dead-letters/records/${page.items[0]?.id}`);
    expect(letter).toMatchObject({ record: null, gone: 'letter-gone' });
  });

  it('are no longer pending once they are discarded', async () => {
    const { operationId } = await deadLettered({ conflicts: 1, unknown: 2 });
    const selected = { operationId, errorCode: 'unknown-schema' };
    const { body } = await pipeline.post<{ discarded: number }>('/v1/dead-letters/discard', selected);
    expect(body).toEqual({ discarded: 2 });
    expect([await redrives.groups('pending', operationId), await redrives.groups('discarded', operationId)]).toEqual([
      { conflict: 1 },
      { 'unknown-schema': 2 },
    ]);
    expect((await redrives.ask(selected)).status).toBe(409);
  });
}
