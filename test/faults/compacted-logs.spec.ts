import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type ForeignRecord, LibrdkafkaClient } from '../support/foreign-clients/librdkafka-client.js';
import { storedBatches, type StoredBatch } from '../support/foreign-clients/kafka-tools.js';
import { eventually } from '../support/eventually.js';
import { TestGroup, numberedRecords, writeAll } from '../support/member/test-group.js';
import { sharedKafka } from '../support/shared-pipeline.js';
import { readToEnd, type ReadRecord } from '../support/topic-writer.js';

/** The cleaner checks every 0.5 s instead of every 15 s. */
const SETTINGS = { 'log.cleaner.backoff.ms': 500, 'transaction.state.log.num.partitions': 1 };
/** Kafka's minimum. */
const SEGMENT_BYTES = 1_048_576;
const COMPACTED = {
  'cleanup.policy': 'compact',
  'segment.ms': '500',
  'segment.bytes': String(SEGMENT_BYTES),
  'min.cleanable.dirty.ratio': '0.01',
};
/** Its batch fills a segment, so that the cleaner never merges it with the small batches before it. */
const LARGE = 'large'.padEnd(SEGMENT_BYTES - 80, '.');
const ALL_HANDLED = { notHandled: [], repeats: [], ready: true, lag: 0, exitCode: 0 };

const SCATTERED = {
  'cleanup.policy': 'compact',
  'segment.ms': '500',
  'min.cleanable.dirty.ratio': '0.01',
  'delete.retention.ms': '100',
};
const PARTITIONS = 2;
const KEYS = 100;

describe('a log that the log cleaner has compacted', () => {
  const server = sharedKafka(SETTINGS);
  let librdkafka: LibrdkafkaClient;
  let group: TestGroup;

  beforeAll(async () => {
    librdkafka = await LibrdkafkaClient.start(server().brokers);
  });

  afterAll(async () => {
    await librdkafka.stop();
  });

  afterEach(async () => {
    await group.end();
  });

  /** Reads the batches of the oldest segment, since a fetch never returns batches of two segments. */
  async function oldestSegment(): Promise<StoredBatch[]> {
    const batches = await storedBatches(server().partitionDirectory(group.topic, 0));
    return batches.filter(({ file }) => file === batches[0]?.file);
  }

  /** Waits for the cleaner and appends records meanwhile: Kafka rolls a segment only at a record after `segment.ms`. */
  async function untilCleaned(
    what: string,
    appended: ForeignRecord,
    isClean: (oldest: readonly StoredBatch[]) => boolean,
  ): Promise<void> {
    await eventually(what, async () => {
      await librdkafka.produce(group.topic, 'none', [appended]);
      return isClean(await oldestSegment());
    });
  }

  async function handleAll(due: readonly string[]): Promise<object> {
    await librdkafka.produce(group.topic, 'none', [record('last', 'last')]);
    const member = group.launch({ inFlight: 50 }, { handlerMs: 0 });
    await group.commitsAll();
    const handled = group.effects.values();
    const { ready, lag } = await member.status();
    const notHandled = [...due, 'last'].filter((value) => !handled.has(value)).map((value) => value.slice(0, 20));
    return { notHandled, repeats: group.effects.repeats(), ready, lag, exitCode: await member.stop() };
  }

  async function readAll(): Promise<ReadRecord[]> {
    return readToEnd(group.kafka, group.topic, await group.ends());
  }

  it('all remaining records are handled, even if those at the committed offset are gone', async () => {
    group = await TestGroup.on(server(), 'compacted', { partitions: PARTITIONS, config: SCATTERED });
    await writeAll(group.kafka, group.topic, numberedRecords(600, KEYS, PARTITIONS));
    const first = group.launch({ inFlight: 50 }, { handlerMs: 5 });
    await group.handles(600);
    await group.commitsAll();
    expect(await first.stop()).toBe(0);
    const committed = await group.committed();

    await writeAll(group.kafka, group.topic, numberedRecords(2_400, KEYS, PARTITIONS, 600));
    let written = 3_000;
    await eventually('the cleaner has removed most of the first 3,000', async () => {
      // Kafka rolls a segment, which makes it cleanable, only at a record after `segment.ms`.
      await writeAll(group.kafka, group.topic, numberedRecords(PARTITIONS, KEYS, PARTITIONS, written));
      written += PARTITIONS;
      const left = (await readAll()).filter(({ value }) => Number(value) < 3_000);
      return left.length < 1_000 && left.every(({ partition, offset }) => offset !== committed.get(partition));
    });

    const second = group.launch({ inFlight: 50 }, { handlerMs: 5 });
    await group.commitsAll();
    await eventually('the lag is 0', async () => (await second.status()).lag === 0);
    const due = (await readAll()).filter(({ partition, offset }) => offset >= (committed.get(partition) ?? 0));
    expect(due.filter(({ partition, offset }) => !group.effects.has(partition, offset))).toEqual([]);
    expect(group.effects.repeats()).toEqual([]);
    expect(group.effects.anomalies()).toEqual([]);
    expect(await second.stop()).toBe(0);
  });

  it('a fetch with only an empty batch, kept for its producer, does not stop the consumer', async () => {
    group = await TestGroup.on(server(), 'emptied', { partitions: 1, config: COMPACTED });
    // The cleaner keeps the last batch of an idempotent producer, without records, for its sequence number.
    await librdkafka.produce(group.topic, 'none', [record('key', 'superseded')]);
    await untilCleaned('the oldest segment holds only empty batches', record('key', LARGE), (oldest) => {
      return oldest.length > 0 && oldest.every(({ records }) => records === 0);
    });
    expect(await handleAll([LARGE])).toEqual(ALL_HANDLED);
  });

  it('a fetch with only transaction markers, with gaps between them, does not stop the consumer', async () => {
    group = await TestGroup.on(server(), 'markers', { partitions: 1, config: COMPACTED });
    const producer = `${group.topic}-writer`;
    const transact = async (records: readonly ForeignRecord[]): Promise<void> => {
      await librdkafka.begin(producer);
      await librdkafka.send(producer, group.topic, records);
      await librdkafka.commit(producer);
    };
    const superseded = Array.from({ length: 5 }, (_, n) => record('key', `superseded ${n}`));
    for (const records of [superseded, superseded, superseded]) await transact(records);
    await transact([record('key', LARGE)]);
    await untilCleaned('the oldest segment holds only markers', record('other', null), (oldest) => {
      return oldest.length > 0 && oldest.every(({ isControl }) => isControl);
    });
    expect((await oldestSegment()).map(({ baseOffset }) => baseOffset)).toEqual([5, 11, 17]);
    expect(await handleAll([LARGE])).toEqual(ALL_HANDLED);
  });
});

/** A value of null is a tombstone. */
function record(key: string, value: string | null): ForeignRecord {
  return { partition: 0, key: Buffer.from(key), value: value === null ? null : Buffer.from(value), headers: {} };
}
