import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { orderGenerator } from '#orders/generator/generator.js';
import { chunksCollection } from '#orders/operation/acknowledged-chunks.js';
import { OrderCodec } from '#orders/order/order-codec.js';
import { ORDER_SCHEMA } from '#orders/order/order-schema.js';
import { ORDERS_SUBJECT, ORDERS_TOPIC } from '#orders/topics/topics.js';
import type { PipelineResponse } from '../../apps/console/src/pipeline/pipeline-response.js';
import { pipelineState } from '../support/console-requests.js';
import { eventually, lasts } from '../support/eventually.js';
import { TestSystem } from '../support/test-system.js';
import { reconciled } from '../support/started-app.js';
import { quietKafka, writeRecords } from '../support/topic-writer.js';

const COUNT = 15_000;
const PER_SECOND = 1_000;
const OUTAGE_MS = 10_000;
/** No order is lost, saved twice or dead-lettered; each index is in one chunk, and none is sent before its time. */
const COMPLETE = {
  status: 'succeeded',
  acked: COUNT,
  saved: COUNT,
  deadLettered: 0,
  reconciliation: { code: 0, missing: 0, doubled: 0, altered: 0, phantom: 0 },
  isNeverEarly: true,
  isInOneChunkEach: true,
  deadLetters: 0,
};

describe('an unavailable server', () => {
  let pipeline: TestSystem;

  beforeAll(async () => {
    pipeline = await TestSystem.start({ servers: 'own', flags: ['--save-ms', '0..200'] });
  });

  afterAll(async () => {
    await pipeline.stop();
  });

  const now = async (): Promise<PipelineResponse> => pipelineState(pipeline);

  /** Returns whether the consumer is suspended, by its own readiness: it can't store a heartbeat without MongoDB. */
  async function isSuspended(): Promise<boolean> {
    const [url = ''] = pipeline.apps.urlsOf('consumer');
    const readiness = await fetch(`${url}/health/ready`);
    return (await readiness.text()).includes('suspended since');
  }

  async function noDeadLetters(): Promise<boolean> {
    return (await pipeline.db.collection('deadLetters').countDocuments()) === 0;
  }

  /** Starts a populate with a schedule of 15 s, and returns its id once some of its orders are saved. */
  async function begin(seed: number): Promise<string> {
    const { id } = await pipeline.populate({ count: COUNT, seed, ratePerSecond: PER_SECOND });
    await eventually('the first orders are saved', async () => ((await pipeline.operation(id)).saved ?? 0) > 0);
    return id;
  }

  /** Waits until all orders of the operation are saved. @returns the figures that `COMPLETE` requires */
  async function completed(id: string): Promise<object> {
    const { startedAt, finishedAt, status, acked, saved, deadLettered } = await pipeline.allSaved(id);
    const seconds = (Date.parse(finishedAt ?? '') - Date.parse(startedAt ?? '')) / 1_000;
    const { code, missing, doubled, altered, phantom } = await reconciled(pipeline, id);
    const chunks = await chunksCollection(pipeline.db)
      .find({ '_id.operationId': id })
      .sort({ '_id.from': 1 })
      .toArray();
    const isNeverEarly = seconds >= COUNT / PER_SECOND - 1;
    const isInOneChunkEach =
      chunks.at(-1)?.to === COUNT && chunks.every(({ _id }, at) => _id.from === (chunks[at - 1]?.to ?? 0));
    const deadLetters = await pipeline.db.collection('deadLetters').countDocuments();
    const reconciliation = { code, missing, doubled, altered, phantom };
    return { status, acked, saved, deadLettered, reconciliation, isNeverEarly, isInOneChunkEach, deadLetters };
  }

  it('MongoDB, frozen during a populate, suspends the consumer, and makes figures of the console unknown', async () => {
    const id = await begin(5);
    const { pid } = pipeline.process('MongoDB');
    process.kill(pid, 'SIGSTOP');
    const over = lasts(OUTAGE_MS);
    try {
      await eventually('only the figures of MongoDB are unknown', async () => {
        const { consumers, savedPerSecond, inFlight, deadLetters, partitions } = await now();
        const areUnknown = [consumers, savedPerSecond, inFlight, deadLetters].every((figure) => figure === null);
        return areUnknown && partitions?.every(({ endOffset }) => endOffset !== null) === true;
      });
      await eventually('the consumer is suspended', isSuspended);
      await over;
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await eventually('the rate is known again', async () => (await now()).savedPerSecond !== null);
    expect(await completed(id)).toEqual(COMPLETE);
  });

  it('Kafka, frozen during a populate, delays orders but loses none', async () => {
    const id = await begin(6);
    const { pid } = pipeline.process('Kafka');
    process.kill(pid, 'SIGSTOP');
    await lasts(OUTAGE_MS);
    process.kill(pid, 'SIGCONT');
    expect(await completed(id)).toEqual(COMPLETE);
  });

  it('Kafka, killed during a populate, delays orders but loses none', async () => {
    const id = await begin(7);
    process.kill(pipeline.process('Kafka').pid, 'SIGKILL');
    expect(await completed(id)).toEqual(COMPLETE);
  });

  it('the schema registry, frozen, delays a record with a new schema but does not dead-letter it', async () => {
    const registry = pipeline.registryUrl;
    const newer = { ...ORDER_SCHEMA, fields: [...ORDER_SCHEMA.fields, { name: 'note', type: 'string', default: '' }] };
    const response = await fetch(`${registry}/subjects/${ORDERS_SUBJECT}/versions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ schema: JSON.stringify(newer) }),
    });
    const { id: schemaId } = (await response.json()) as { id: number };
    const codec = await OrderCodec.connect({ url: registry });
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

    const { pid } = pipeline.process('schema registry');
    process.kill(pid, 'SIGSTOP');
    try {
      await writeRecords(quietKafka(pipeline.brokers), ORDERS_TOPIC, [{ partition: 0, key: order.accountId, value }]);
      await eventually('the consumer is suspended', isSuspended);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    const isSaved = async (): Promise<boolean> => (await pipeline.get(`/v1/orders/${order.id}`)).status === 200;
    await eventually('the order is saved', isSaved);
    expect(await noDeadLetters()).toBe(true);
  });
});
