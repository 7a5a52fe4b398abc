import { describe, expect, it } from '@jest/globals';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import type { ReadPosition, ReadResult } from '../broker/broker.js';
import type { ParallelConsumerOptions } from '../options.js';
import { ParallelConsumer } from '../parallel-consumer.js';
import { FetchedRecords } from '../records/fetched-records.js';
import { batchBytes } from '../records/testing/record-batches.js';
import { FakeBroker } from '../testing/fake-broker.js';
import { FakeKafka } from '../testing/fake-kafka.js';
import { Gate, RecordingLogger } from './gated-consumer.js';

const RECORDS_PER_BATCH = 4;
const VALUE_BYTES = 1_000;
/** A decompressed batch has a little more. */
const BATCH_BYTES = RECORDS_PER_BATCH * VALUE_BYTES;
/** Each with one partition. */
const TOPICS = ['a', 'b', 'c'];
const RECORDS = 12;
const ALL = TOPICS.length * RECORDS;

/** A member whose fetches have one compressed batch for every four records. */
class CompressingBroker extends FakeBroker {
  private readonly fetches = new Map<string, FetchedRecords>();

  /** Size of the decompressed batches that are in memory now. */
  get heldBytes(): number {
    return [...this.fetches.values()].reduce((sum, { decompressedBytes }) => sum + decompressedBytes, 0);
  }

  override async read(position: ReadPosition): Promise<ReadResult | undefined> {
    const answer = await super.read(position);
    if (answer?.type !== 'records') return answer;
    const { topic, partition, fetchOffset } = answer;
    const records = [...{ [Symbol.iterator]: () => answer.records }];
    const batches = Map.groupBy(records, ({ offset }) => Math.floor(offset / RECORDS_PER_BATCH));
    const bytes = Buffer.concat(
      [...batches].map(([number, batch]) =>
        batchBytes({
          baseOffset: number * RECORDS_PER_BATCH,
          codec: 'gzip',
          records: batch.map(({ key, value }) => ({ key, value })),
        }),
      ),
    );
    const fetched = new FetchedRecords({ topic, partition, fetchOffset, bytes, abortedTransactions: [] });
    this.fetches.set(topic, fetched);
    return { ...answer, records: fetched, decompression: fetched };
  }
}

/** Starts a consumer of the topics, each with 12 records of different keys. */
async function consuming(options: Partial<ParallelConsumerOptions>) {
  const kafka = new FakeKafka();
  for (const topic of [...TOPICS, 'dead']) kafka.createTopic(topic, 1);
  for (const topic of TOPICS)
    for (let n = 0; n < RECORDS; n += 1) kafka.append(topic, 0, `${n}`, `${topic}-${n}`.padEnd(VALUE_BYTES, '.'));
  const clock = new ManualClock();
  const broker = new CompressingBroker(kafka, { topic: TOPICS, groupId: 'savers', clock, fetching: 'auto' });
  const gate = new Gate();
  let most = 0;
  const handler: ParallelConsumerOptions['handler'] = async (record, attempt) => {
    most = Math.max(most, broker.heldBytes);
    return gate.handler(record, attempt);
  };
  const consumer = new ParallelConsumer(
    { handler, logger: new RecordingLogger(), deadLetterTopic: 'dead', inFlight: 1, clock, ...options },
    broker,
  );
  await consumer.start();
  await settle();
  return { broker, consumer, gate, most: () => most };
}

/** Ends the records in the order in which they start. @returns the topics in this order */
async function endAll(gate: Gate, count: number): Promise<string> {
  for (let at = 0; at < count; at += 1) await gate.end(gate.started[at] ?? '');
  return gate.started.map((name) => name.slice(0, 1)).join('');
}

describe('compressed batches', () => {
  it('are within maxBytes, except one of them, and each record is handled once', async () => {
    const maxBytes = 2 * BATCH_BYTES;
    const { gate, most } = await consuming({ maxBytes });
    const order = await endAll(gate, ALL);
    expect([order.length, new Set(gate.started).size]).toEqual([ALL, ALL]);
    expect(most()).toBeLessThan(maxBytes + 1.2 * BATCH_BYTES);
  });

  it('are decompressed in turn if there is no room for all', async () => {
    const { gate } = await consuming({ maxBytes: 2 * BATCH_BYTES });
    const order = await endAll(gate, ALL);
    for (const topic of TOPICS) expect(order.slice(0, ALL / 2)).toContain(topic);
  });

  it('of paused topics make room for others, and are decompressed again', async () => {
    const { broker, consumer, gate } = await consuming({ maxBytes: 2 * BATCH_BYTES });
    await endAll(gate, 4);
    for (const topic of ['a', 'b']) consumer.pause({ topic });
    expect(broker.heldBytes).toBeGreaterThan(2 * BATCH_BYTES);
    for (let at = 4; at < gate.started.length; at += 1) await gate.end(gate.started[at] ?? '');
    expect(gate.started.filter((name) => name.startsWith('c'))).toHaveLength(RECORDS);
    const paused = gate.started.length;
    for (const topic of ['a', 'b']) consumer.resume({ topic });
    for (let at = paused; at < ALL; at += 1) await gate.end(gate.started[at] ?? '');
    expect(new Set(gate.started).size).toBe(ALL);
  });
});
