import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ORDERS_CONSUMER_GROUP, ORDERS_TOPIC } from '#orders/topics/topics.js';
import type { OperationResponse } from '../../apps/producer/src/operations/operation-response.js';
import { runDocumented } from '../support/documented/run-documented.js';
import { eventually } from '../support/eventually.js';
import { writeKafkaScripts } from '../support/foreign-clients/kafka-tools.js';
import { TestSystem } from '../support/test-system.js';
import type { Answer, PopulateResponse } from '../support/tested-stack.js';
import { reconciled } from '../support/started-app.js';
import { quietKafka, recordsOn, topicOffsets } from '../support/topic-writer.js';

const CLEAN = { missing: 0, pending: 0, doubled: 0, altered: 0, phantom: 0 };

describe('a pipeline whose processes are stopped or killed', () => {
  let pipeline: TestSystem;

  beforeAll(async () => {
    pipeline = await TestSystem.start({ env: { LAG_CEILING: '4000' }, flags: ['--no-console', '--save-ms', '0..1'] });
  });

  afterAll(async () => {
    await pipeline.stop();
  });

  async function recordsOnTopic(): Promise<number> {
    return recordsOn(quietKafka(pipeline.brokers), ORDERS_TOPIC);
  }

  async function control(id: string, what: 'pause' | 'resume' | 'cancel'): Promise<Answer<OperationResponse>> {
    const response = await fetch(`${pipeline.producerUrl}/v1/operations/${id}/${what}`, { method: 'POST' });
    const body = (await response.json()) as OperationResponse;
    return { status: response.status, headers: response.headers, body };
  }

  /** Starts a slow populate, and returns it once some of its orders are acknowledged. */
  async function startSlowly(count: number): Promise<PopulateResponse> {
    const { id } = await pipeline.populate({ count, ratePerSecond: 2_000 });
    await eventually('publishing has begun', async () => (await pipeline.operation(id)).acked > 0);
    return pipeline.operation(id);
  }

  /** Moves the group, as docs/run.md says. */
  async function moveGroup(partition: number, offset: number): Promise<void> {
    const scripts = await writeKafkaScripts();
    const moved = await runDocumented(
      'kafka-consumer-groups.sh --bootstrap-server HOST:9092 --group orders-savers --topic orders.v1:PARTITION --reset-offsets --to-offset OFFSET --execute',
      {
        replacing: {
          'HOST:9092': pipeline.brokers,
          'v1:PARTITION': `v1:${partition}`,
          'offset OFFSET': `offset ${offset}`,
        },
        programs: [scripts],
      },
    );
    expect(moved).toMatchObject({ code: 0, stdout: expect.stringMatching(/orders\.v1/) });
    await rm(scripts, { recursive: true });
  }

  it('pauses an operation after its current chunk, keeps it paused through a kill of the producer, and resumes it there', async () => {
    const { id } = await startSlowly(20_000);
    const before = await recordsOnTopic();
    const paused = await control(id, 'pause');
    expect(paused).toMatchObject({ status: 200, body: { status: 'paused', interruption: null } });
    expect(await control(id, 'pause')).toMatchObject({ status: 200, body: { status: 'paused' } });
    expect(await recordsOnTopic()).toBe(paused.body.acked);
    expect(paused.body.acked).toBeGreaterThanOrEqual(before);
    process.kill(pipeline.process('producer').pid, 'SIGKILL');
    await eventually('the producer answers again', async () => {
      const answer = await pipeline.operation(id).catch(() => undefined);
      return answer?.status === 'paused';
    });
    expect(await recordsOnTopic()).toBe(paused.body.acked);
    expect(await control(id, 'resume')).toMatchObject({ status: 200, body: { status: 'running' } });
    expect(await pipeline.allSaved(id)).toMatchObject({ status: 'succeeded', acked: 20_000, saved: 20_000 });
    expect(await recordsOnTopic()).toBe(20_000);
  });

  it('pauses publishing while the consumer lag is too high, reports it, and continues afterwards', async () => {
    const consumer = pipeline.process('consumer-1').pid;
    process.kill(consumer, 'SIGSTOP');
    try {
      // Small chunks: an overdue producer must not send all of them before it reads the lag, which it does once a second.
      const { id } = await pipeline.populate({ count: 30_000, ratePerSecond: 10_000, chunkSize: 10 });
      await eventually(
        'the operation waits for the consumers',
        async () => (await pipeline.operation(id)).waitingFor === 'consumers',
      );
      // Progress is stored concurrently with publishing, so the acknowledged count lags a moment.
      await eventually('the lag ceiling is reached', async () => (await pipeline.operation(id)).acked >= 4_000);
      const untilBehind = async (seconds: number): Promise<PopulateResponse> => {
        await eventually(`the operation is ${seconds} s behind its schedule`, async () => {
          return ((await pipeline.operation(id)).behindScheduleSeconds ?? 0) > seconds;
        });
        return pipeline.operation(id);
      };
      const { acked, status, behindScheduleSeconds } = await untilBehind(1);
      expect(status).toBe('running');
      expect(acked).toBeLessThan(30_000);
      // Nothing is sent while it waits.
      const sent = await recordsOnTopic();
      await untilBehind((behindScheduleSeconds ?? 0) + 2);
      expect(await recordsOnTopic()).toBe(sent);
      process.kill(consumer, 'SIGCONT');
      expect(await pipeline.allSaved(id)).toMatchObject({
        status: 'succeeded',
        saved: 30_000,
        waitingFor: null,
      });
    } finally {
      process.kill(consumer, 'SIGCONT');
    }
  });

  it('reconciles as pending, without a false alarm, while consumers have work, and the same over HTTP', async () => {
    const consumer = pipeline.process('consumer-1').pid;
    process.kill(consumer, 'SIGSTOP');
    let id = '';
    try {
      ({ id } = await pipeline.populate({ count: 3_000 }));
      await eventually(
        'all orders are acknowledged',
        async () => (await pipeline.operation(id)).status === 'succeeded',
      );
      const report = await reconciled(pipeline, id);
      expect(report).toMatchObject({ code: 2, verdict: 'pending', acked: 3_000, missing: 0 });
      expect(report.blames).toEqual({ 'not-yet-saved': report.pending });
      expect(report.pending).toBeGreaterThan(0);
    } finally {
      process.kill(consumer, 'SIGCONT');
    }
    await pipeline.allSaved(id);
    const { status, body } = await pipeline.post<object>(`/v1/operations/${id}/reconcile`, {});
    expect([status, body]).toEqual([200, expect.objectContaining({ ...CLEAN, verdict: 'holds', saved: 3_000 })]);
  });

  it('reconciles as broken for a skipped offset, and names the record', async () => {
    const consumer = pipeline.process('consumer-1').pid;
    process.kill(consumer, 'SIGSTOP');
    const admin = quietKafka(pipeline.brokers).admin();
    await admin.connect();
    let id = '';
    const skipped: { partition: number; offset: number }[] = [];
    try {
      // Kafka allows setting offsets only for a group without members: it removes the frozen consumer after its session timeout.
      await eventually('the group is empty', async () => {
        const { groups } = await admin.describeGroups([ORDERS_CONSUMER_GROUP]);
        return groups[0]?.state === 'Empty';
      });
      ({ id } = await pipeline.populate({ count: 100 }));
      await eventually(
        'all orders are acknowledged',
        async () => (await pipeline.operation(id)).status === 'succeeded',
      );
      const [committed] = await admin.fetchOffsets({ groupId: ORDERS_CONSUMER_GROUP, topics: [ORDERS_TOPIC] });
      const ends = new Map((await topicOffsets(admin, ORDERS_TOPIC)).map(({ partition, high }) => [partition, high]));
      const behind = committed?.partitions.find(
        ({ partition, offset }) => Number(offset) < Number(ends.get(partition)),
      );
      if (behind === undefined) throw new Error('no partition has unfinished records');
      // -1 means that the group has not committed an offset yet.
      const offset = Math.max(0, Number(behind.offset));
      skipped.push({ partition: behind.partition, offset });
      await moveGroup(behind.partition, offset + 1);
    } finally {
      await admin.disconnect();
      // It would keep its position, while a new one starts at the committed offset.
      process.kill(consumer, 'SIGKILL');
    }
    await eventually(
      'all orders but the skipped one are saved',
      async () => (await pipeline.operation(id)).saved === 99,
    );
    const isDone = async () => (await reconciled(pipeline, id)).pending === 0;
    await eventually('no order is pending', isDone);
    const report = await reconciled(pipeline, id);
    expect(report).toMatchObject({ ...CLEAN, code: 1, verdict: 'broken', missing: 1, saved: 99 });
    expect(report.missingRecords).toEqual([
      expect.objectContaining({
        partition: skipped[0]?.partition,
        offset: skipped[0]?.offset,
        blame: 'committed-past',
      }),
    ]);
  });
});
