import { systemClock } from '@orders-pipeline/clock';
import { beforeAll, expect, it } from '@jest/globals';
import type { AcknowledgedChunk } from '#orders/operation/acknowledged-chunks.js';
import type { OperationDocument } from '#orders/operation/operation.js';
import { consumersCollection, type ConsumerHeartbeat } from '#orders/consumer/consumers.js';
import { ORDERS_TOPIC } from '#orders/topics/topics.js';
import type { OperationResponse, OperationsPage } from '../../apps/producer/src/operations/operation-response.js';
import { eventually } from '../support/eventually.js';
import { TestSystem } from '../support/test-system.js';
import type { Answer, PopulateResponse } from '../support/tested-stack.js';
import { findRecords, quietKafka, recordsOn } from '../support/topic-writer.js';

const MANY = 1_000_000;

interface ProblemBody {
  readonly type: string;
}

/** @param shared returns the pipeline that these specs share with others */
export function operationsSpecs(shared: () => TestSystem): void {
  let pipeline: TestSystem;

  beforeAll(async () => {
    pipeline = shared();
  });

  async function recordsOnTopic(): Promise<number> {
    return recordsOn(quietKafka(pipeline.brokers), ORDERS_TOPIC);
  }

  /** Repeats the request while it is pending: it waits for the current chunk for only 2 s. */
  async function control(
    id: string,
    what: 'pause' | 'resume' | 'cancel',
  ): Promise<Answer<OperationResponse & ProblemBody>> {
    for (;;) {
      const response = await fetch(`${pipeline.producerUrl}/v1/operations/${id}/${what}`, { method: 'POST' });
      const body = (await response.json()) as OperationResponse & ProblemBody;
      const isPending = response.ok && body.interruption !== null;
      if (!isPending) return { status: response.status, headers: response.headers, body };
    }
  }

  /** Starts a populate that the slowest machine does not end before it is cancelled, and returns it once some of its orders are acknowledged. */
  async function startSlowly(): Promise<PopulateResponse> {
    const { id } = await pipeline.populate({ count: MANY, ratePerSecond: 2_000 });
    await eventually('publishing has begun', async () => (await pipeline.operation(id)).acked > 0);
    return pipeline.operation(id);
  }

  async function untilDrained(id: string): Promise<OperationResponse> {
    await eventually('all acknowledged orders are saved', async () => {
      const { acked, saved } = await pipeline.operation(id);
      return acked === saved;
    });
    return pipeline.operation(id);
  }

  it('hold up no others by a low rate, and are not held up by others', async () => {
    const slow = await pipeline.populate({ count: MANY, ratePerSecond: 1 });
    await eventually('the slow one is published', async () => (await pipeline.operation(slow.id)).acked > 0);
    const fast = await pipeline.populate({ count: 100_000 });
    const beside = await pipeline.populate({ count: MANY, ratePerSecond: 1 });
    await eventually('another slow one is published', async () => (await pipeline.operation(beside.id)).acked > 0);
    await eventually(
      'the fast one is published',
      async () => (await pipeline.operation(fast.id)).status === 'succeeded',
    );
    expect((await pipeline.operation(slow.id)).status).toBe('running');
    for (const { id } of [slow, beside]) await control(id, 'cancel');
    await untilDrained(fast.id);
  });

  it('keep their schedule when they are resumed while running', async () => {
    const { id } = await startSlowly();
    const operations = pipeline.db.collection<OperationDocument>('operations');
    const before = await operations.findOne({ _id: id });
    expect(await control(id, 'resume')).toMatchObject({ status: 200, body: { status: 'running' } });
    expect((await operations.findOne({ _id: id }))?.schedule).toEqual(before?.schedule);
    await control(id, 'cancel');
    await untilDrained(id);
  });

  it('end when cancelled, with exactly the numbers on the topic; the other numbers of the block stay unused', async () => {
    const before = await recordsOnTopic();
    const { id, firstNumber } = await startSlowly();
    const { status, body } = await control(id, 'cancel');
    expect([status, body.status, body.interruption]).toEqual([200, 'cancelled', null]);
    expect(body.finishedAt).not.toBeNull();
    expect(body.acked).toBeLessThan(MANY);
    expect(body.ackedNumbers).toEqual([{ from: firstNumber, to: firstNumber + body.acked - 1 }]);
    expect(await untilDrained(id)).toMatchObject({ status: 'cancelled', acked: body.acked });
    expect((await recordsOnTopic()) - before).toBe(body.acked);
    expect(await control(id, 'cancel')).toMatchObject({ status: 200, body: { status: 'cancelled' } });
    for (const what of ['pause', 'resume'] as const)
      expect(await control(id, what)).toMatchObject({
        status: 409,
        body: { type: 'urn:orders:problem:operation-ended' },
      });
    const next = await pipeline.populate({ count: 1 });
    expect(next.firstNumber).toBe(firstNumber + MANY);
    await pipeline.allSaved(next.id);
  });

  it('say what their saves wait for while a consumer can not work', async () => {
    const heartbeats = consumersCollection(pipeline.db);
    const [heartbeat] = await heartbeats.find().toArray();
    const reason = { _id: 'other', name: 'consumer-9', state: 'waiting', notReadyBecause: 'suspended' } as const;
    const at = new Date(systemClock.now() + 3_600_000);
    await heartbeats.insertOne({ ...(heartbeat as ConsumerHeartbeat), ...reason, at });
    const { id } = await startSlowly();
    const waits = async (): Promise<string | null> => (await pipeline.operation(id)).savesWaitFor;
    await eventually('the reason is shown', async () => (await waits()) === 'consumer-9: suspended');
    await heartbeats.deleteOne({ _id: 'other' });
    await eventually('the reason is gone', async () => (await waits()) === null);
    await control(id, 'cancel');
    await untilDrained(id);
    expect(await waits()).toBeNull();
  });

  it('can be cancelled while paused', async () => {
    const { id } = await startSlowly();
    const { body: paused } = await control(id, 'pause');
    expect((await control(id, 'cancel')).body).toMatchObject({ status: 'cancelled', acked: paused.acked });
    await untilDrained(id);
  });

  it('return 404 for an unknown id, and 400 for an invalid one', async () => {
    const unknown = '01935c9e-8a00-7000-8000-000000000009';
    for (const what of ['pause', 'resume', 'cancel'] as const) {
      expect((await control(unknown, what)).status).toBe(404);
      expect((await control('x', what)).status).toBe(400);
    }
    const events = await fetch(`${pipeline.producerUrl}/v1/operations/${unknown}/events`);
    expect(events.status).toBe(404);
  });

  it('are the same for the same Idempotency-Key and body, even with concurrent requests', async () => {
    const post = async (body: object, key: string): Promise<{ status: number; id: string; type: string }> => {
      const answer = await pipeline.post<PopulateResponse & ProblemBody>('/v1/populate', body, key);
      return { status: answer.status, id: answer.body.id, type: answer.body.type };
    };
    const before = await recordsOnTopic();
    const answers = await Promise.all(Array.from({ length: 10 }, async () => post({ count: 7 }, 'one')));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 202));
    const [id] = new Set(answers.map((answer) => answer.id));
    expect(answers.every((answer) => answer.id === id)).toBe(true);
    await pipeline.allSaved(id ?? '');
    expect((await post({ count: 7 }, 'one')).id).toBe(id);
    expect((await recordsOnTopic()) - before).toBe(7);
    expect(await post({ count: 8 }, 'one')).toMatchObject({
      status: 422,
      type: 'urn:orders:problem:idempotency-key-reused',
    });
    expect((await post({ count: 8 }, 'a key')).status).toBe(400);
    const other = await post({ count: 7 }, 'two');
    expect(other.id).not.toBe(id);
    await pipeline.allSaved(other.id);
  });

  it('are listed newest first, by status, with cursor pagination', async () => {
    const list = async (path: string): Promise<OperationsPage> => {
      const response = await fetch(`${pipeline.producerUrl}${path}`);
      expect(response.status).toBe(200);
      return (await response.json()) as OperationsPage;
    };
    const ended = await pipeline.populate({ count: 1 });
    const { id: cancelled } = await startSlowly();
    await control(cancelled, 'cancel');
    const { id: newest } = await pipeline.populate({ count: 1 });
    const all: string[] = [];
    // Those of a producer with a wrong clock, which has intakes only, would be the newest.
    for (let path: string | undefined = '/v1/operations?kind=populate&pageSize=2'; path !== undefined;) {
      const { items, page } = await list(path);
      all.push(...items.map(({ id }) => id));
      path = page.next;
    }
    expect(all.slice(0, 3)).toEqual([newest, cancelled, ended.id]);
    expect(all).toEqual([...new Set(all)].toSorted().toReversed());
    // A page that has all of them has no next one.
    expect((await list(`/v1/operations?kind=populate&pageSize=${all.length}`)).page).toEqual({ size: all.length });
    const { items } = await list('/v1/operations?status=cancelled&kind=populate');
    expect(items[0]?.id).toBe(cancelled);
    expect(new Set(items.map(({ status, kind }) => `${status} ${kind}`))).toEqual(new Set(['cancelled populate']));
    for (const id of [ended.id, newest]) await pipeline.allSaved(id);
    await untilDrained(cancelled);
    const bad = await fetch(`${pipeline.producerUrl}/v1/operations?status=done&page=1`);
    expect(bad.status).toBe(400);
  });

  it('record the topic positions of each acknowledged chunk', async () => {
    const { id } = await pipeline.populate({ count: 3_500, chunkSize: 1_000 });
    await pipeline.allSaved(id);
    const chunks = await pipeline.db
      .collection<AcknowledgedChunk>('acknowledgedChunks')
      .find({ '_id.operationId': id })
      .sort({ '_id.from': 1 })
      .toArray();
    const bounds = [0, 1_000, 2_000, 3_000, 3_500];
    expect(chunks.map(({ _id, to }) => [_id.from, to])).toEqual(
      bounds.slice(0, -1).map((from, at) => [from, bounds[at + 1]]),
    );
    const kafka = quietKafka(pipeline.brokers);
    const records = await findRecords(kafka, ORDERS_TOPIC, 3_500, ({ headers }) => headers['operation-id'] === id);
    const indexAt = new Map(
      records.map(({ partition, offset, headers }) => [`${partition}/${offset}`, Number(headers['index'])]),
    );
    for (const { _id, to, parts } of chunks) {
      const indexes = parts.flatMap(({ partition, baseOffset, records: count }) =>
        Array.from({ length: count }, (_, at) => indexAt.get(`${partition}/${baseOffset + at}`)),
      );
      const expected = Array.from({ length: to - _id.from }, (_, at) => _id.from + at);
      expect(indexes.toSorted((a, b) => Number(a) - Number(b))).toEqual(expected);
    }
  });

  it('can be followed as server-sent events, and a client that reconnects receives no event twice', async () => {
    const { id } = await pipeline.populate({ count: 6_000, ratePerSecond: 600 });
    const url = `${pipeline.producerUrl}/v1/operations/${id}/events`;
    const response = await fetch(url);
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    const events = (await response.text()).split('\n\n').filter((event) => event.startsWith('event:'));
    const seen = events.map((event) => JSON.parse(/^data: (.*)$/m.exec(event)?.[1] ?? '') as OperationResponse);
    expect(events.slice(0, -1).every((event) => event.startsWith('event: progress'))).toBe(true);
    expect(events.at(-1)).toMatch(/^event: done\n/);
    expect(events.length).toBeGreaterThan(2);
    expect(seen.at(-1)).toMatchObject({ status: 'succeeded', acked: 6_000, saved: 6_000 });
    expect(seen.map(({ acked }) => acked)).toEqual(seen.map(({ acked }) => acked).toSorted((a, b) => a - b));
    const last = /^id: (.*)$/m.exec(events.at(-1) ?? '')?.[1] ?? '';
    expect((await fetch(url, { headers: { 'last-event-id': last } })).status).toBe(204);
  });

  it('can be followed by as many streams of a caller as the limit allows, which are given back when they end', async () => {
    const { id } = await pipeline.populate({ count: 1_000, ratePerSecond: 1 });
    const url = `${pipeline.producerUrl}/v1/operations/${id}/events`;
    // They are kept: `fetch` ends the stream of a response that is garbage-collected.
    const streams: Response[] = [];
    const followed = async (): Promise<void> =>
      // The stream of an earlier case may still have a place.
      eventually('a stream has a place', async () => {
        const stream = await fetch(url);
        if (stream.ok) streams.push(stream);
        return stream.ok;
      });
    try {
      await Promise.all(Array.from({ length: 32 }, followed));
      const refused = await fetch(url);
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '5']);
      expect(await refused.json()).toMatchObject({ code: 'too-many-event-streams' });
      for (const { body } of streams) await body?.cancel();
      await eventually('a stream has a place again', async () => {
        const again = await fetch(url);
        await again.body?.cancel();
        return again.status === 200;
      });
    } finally {
      // Otherwise no other populate is published for 1,000 seconds.
      await control(id, 'cancel');
    }
    await untilDrained(id);
  });

  it('send no record and reserve no number when they are rejected', async () => {
    const { id, firstNumber } = await pipeline.populate({ count: 1 });
    await pipeline.allSaved(id);
    const before = await recordsOnTopic();
    expect((await pipeline.post('/v1/populate', { count: 5, seed: -1 })).status).toBe(400);
    const next = await pipeline.populate({ count: 1 });
    await pipeline.allSaved(next.id);
    expect([next.firstNumber, await recordsOnTopic()]).toEqual([firstNumber + 1, before + 1]);
  });
}
