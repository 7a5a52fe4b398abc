import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { workerKafka } from '../support/own-servers.js';
import {
  CODECS,
  sampleRecords,
  sampleTexts,
  type ForeignRecord,
  type TextRecord,
  LibrdkafkaClient,
} from '../support/foreign-clients/librdkafka-client.js';
import { JavaClient, storedBatches } from '../support/foreign-clients/kafka-tools.js';
import { toRecordBytes, type RecordBytes } from '../support/member/effects.js';
import { TestGroup } from '../support/member/test-group.js';

const PARTITIONS = 2;
const MIB = 1_048_576;
/** Kafka's default for a topic, 1,048,588 bytes, is too small for a batch that holds a value of 1 MiB. */
const LARGE_RECORDS = { 'max.message.bytes': String(2 * MIB) };

describe('records of foreign clients', () => {
  const kafka = workerKafka();
  let librdkafka: LibrdkafkaClient;
  let java: JavaClient;
  let group: TestGroup;

  beforeAll(async () => {
    librdkafka = await LibrdkafkaClient.start(kafka.brokers);
    java = await JavaClient.on(kafka.brokers);
  });

  afterAll(async () => {
    await librdkafka.stop();
  });

  afterEach(async () => {
    await group.end();
  });

  /** Returns the codecs of the batches on each partition, without repetitions. */
  async function codecsOnDisk(partitions: number): Promise<string[][]> {
    const directories = Array.from({ length: partitions }, (_, n) => kafka.partitionDirectory(group.topic, n));
    const batches = await Promise.all(directories.map((directory) => storedBatches(directory)));
    return batches.map((each) => Array.from(new Set(each.map(({ codec }) => codec))));
  }

  /** Runs a member until it has committed the end of each partition, and expects that it handled each record once and in order. */
  async function handleAll(records: number): Promise<void> {
    const member = group.launch({ inFlight: 50 }, { handlerMs: 2, reportsBytes: true });
    await group.handles(records);
    await group.commitsAll();
    expect(group.effects.repeats()).toEqual([]);
    expect(group.effects.anomalies()).toEqual([]);
    expect(await member.stop()).toBe(0);
  }

  it('librdkafka, each codec on its own partitions: all are handled with their keys, values and headers', async () => {
    group = await TestGroup.on(kafka, 'librdkafka', { partitions: CODECS.length * PARTITIONS });
    const records: ForeignRecord[] = [];
    const offsets: number[] = [];
    for (const [at, codec] of CODECS.entries()) {
      const own = sampleRecords(500, PARTITIONS, at * PARTITIONS);
      offsets.push(...(await librdkafka.produce(group.topic, codec, own)));
      records.push(...own);
    }
    expect(await codecsOnDisk(CODECS.length * PARTITIONS)).toEqual(CODECS.flatMap((codec) => [[codec], [codec]]));
    await handleAll(records.length);
    expect(handledBytes(group)).toEqual(expectedBytes(records, offsets));
  });

  it('librdkafka, each codec after another on the same partitions: all are handled in order', async () => {
    group = await TestGroup.on(kafka, 'every-codec', { partitions: PARTITIONS });
    const records = CODECS.map(() => sampleRecords(100, PARTITIONS));
    const offsets: number[] = [];
    for (const [index, codec] of CODECS.entries())
      offsets.push(...(await librdkafka.produce(group.topic, codec, records[index] ?? [])));
    expect(await codecsOnDisk(PARTITIONS)).toEqual([CODECS, CODECS]);
    await handleAll(records.flat().length);
    expect(handledBytes(group)).toEqual(expectedBytes(records.flat(), offsets));
  });

  it("Kafka's Java producer, each codec after another: all are handled with their keys, values and headers", async () => {
    group = await TestGroup.on(kafka, 'java', { partitions: PARTITIONS });
    const records = sampleTexts(500);
    for (const codec of CODECS) await java.produce(group.topic, codec, records);
    expect(await codecsOnDisk(PARTITIONS)).toEqual([CODECS, CODECS]);
    const all = CODECS.flatMap(() => records);
    await handleAll(all.length);
    expect(handledByKey(group)).toEqual(byKey(all));
  });

  it('records of 1 MiB, uncompressed and compressed, are handled completely, and so are those around them', async () => {
    group = await TestGroup.on(kafka, 'large', { partitions: PARTITIONS, config: LARGE_RECORDS });
    const small = sampleRecords(10, PARTITIONS);
    const large: ForeignRecord = { partition: 0, key: Buffer.from('large'), value: largeValue(MIB), headers: {} };
    const records: ForeignRecord[] = [];
    const offsets: number[] = [];
    for (const codec of ['none', 'lz4'] as const)
      // Send each as a separate batch, since together they would exceed the topic's limit.
      for (const each of [small, [large], small]) {
        offsets.push(...(await librdkafka.produce(group.topic, codec, each)));
        records.push(...each);
      }
    await handleAll(records.length);
    expect(handledBytes(group)).toEqual(expectedBytes(records, offsets));
  });

  it("records of 1 MiB of Kafka's performance test are all handled", async () => {
    group = await TestGroup.on(kafka, 'performance', { partitions: PARTITIONS, config: LARGE_RECORDS });
    await java.producePerformance(group.topic, 'none', 20, MIB);
    await handleAll(20);
    const sizes = [0, 1].flatMap((partition) => group.effects.inPartition(partition)).map(({ value }) => value.length);
    expect(new Set(sizes)).toEqual(new Set([MIB]));
  });
});

/** A value that compresses, but not to a small size. */
function largeValue(length: number): Buffer {
  const bytes = Buffer.alloc(length, 'a value of one MiB ');
  crypto.getRandomValues(bytes.subarray(0, 65_536));
  return bytes;
}

type BytesAt = Readonly<Record<string, RecordBytes | undefined>>;

function handledBytes(group: TestGroup): BytesAt {
  return Object.fromEntries(
    group.effects.all().map(({ partition, offset, bytes }) => [`${partition}:${offset}`, bytes]),
  );
}

function expectedBytes(records: readonly ForeignRecord[], offsets: readonly number[]): BytesAt {
  const at = records.map((record, index) => [`${record.partition}:${offsets[index]}`, toRecordBytes(record)] as const);
  return Object.fromEntries(at);
}

type TextsByKey = Readonly<Record<string, readonly Omit<TextRecord, 'key'>[]>>;

/** Groups by key, since Java's partitioner chooses the partitions and only the order per key is comparable. */
function handledByKey(group: TestGroup): TextsByKey {
  const effects = Array.from({ length: PARTITIONS }, (_, partition) => group.effects.inPartition(partition)).flat();
  return byKey(
    effects.map(({ key, value, bytes }) => ({ key: key ?? '', value, headers: toText(bytes?.headers ?? {}) })),
  );
}

function byKey(records: readonly TextRecord[]): TextsByKey {
  const groups = Map.groupBy(records, ({ key }) => key);
  return Object.fromEntries(
    [...groups].map(([key, texts]) => [key, texts.map(({ value, headers }) => ({ value, headers }))]),
  );
}

function toText(headers: RecordBytes['headers']): Record<string, string> {
  const texts = Object.entries(headers).map(([name, header]) => [name, String(Buffer.from(header ?? '', 'base64'))]);
  return Object.fromEntries(texts);
}
