import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { CODECS, type ForeignRecord } from '../support/foreign-clients/foreign-record.js';
import { JavaClient, type TextRecord } from '../support/foreign-clients/java-client.js';
import { LibrdkafkaClient } from '../support/foreign-clients/librdkafka-client.js';
import { storedBatches } from '../support/foreign-clients/log-segment.js';
import { sampleRecords, sampleTexts } from '../support/foreign-clients/sample-records.js';
import { toRecordBytes, type RecordBytes } from '../support/member/record-bytes.js';
import { TestGroup } from '../support/member/test-group.js';
import { sharedKafka } from '../support/shared-kafka.js';

const PARTITIONS = 2;
const WITHIN_MS = 15_000;
const MIB = 1_048_576;
/** Kafka's default for a topic, 1,048,588 bytes, is too small for a batch that holds a value of 1 MiB. */
const LARGE_RECORDS = { 'max.message.bytes': String(2 * MIB) };

describe('records of foreign clients', () => {
  const server = sharedKafka();
  let librdkafka: LibrdkafkaClient;
  let java: JavaClient;
  let group: TestGroup;

  beforeAll(async () => {
    librdkafka = await LibrdkafkaClient.start(server().brokers);
    java = await JavaClient.on(server().brokers);
  }, 120_000);

  afterAll(async () => {
    await librdkafka.stop();
  });

  afterEach(async () => {
    await group.end();
  });

  async function codecsOnDisk(): Promise<string[]> {
    const partitions = Array.from({ length: PARTITIONS }, (_, n) => server().partitionDirectory(group.topic, n));
    const batches = await Promise.all(partitions.map((directory) => storedBatches(directory)));
    return [...new Set(batches.flat().map(({ codec }) => codec))];
  }

  it.each(CODECS)(
    'librdkafka, codec %s: each record is handled once, in order, with its key, value and headers',
    async (codec) => {
      group = await TestGroup.on(server(), `librdkafka-${codec}`, { partitions: PARTITIONS });
      const records = sampleRecords(500, PARTITIONS);
      const offsets = await librdkafka.produce(group.topic, codec, records);
      expect(await codecsOnDisk()).toEqual([codec]);

      const member = group.launch({ inFlight: 50 }, { handlerMs: 2, reportsBytes: true });
      await group.handles(records.length, WITHIN_MS);
      expect(handledBytes(group)).toEqual(expectedBytes(records, offsets));
      expect(group.effects.repeats()).toEqual([]);
      expect(group.effects.orderBreaks()).toEqual([]);
      await group.commitsAll(10_000);
      expect(await member.stop()).toBe(0);
    },
    60_000,
  );

  it.each(CODECS)(
    "Kafka's Java producer, codec %s: each record is handled once, in order, with its key, value and headers",
    async (codec) => {
      group = await TestGroup.on(server(), `java-${codec}`, { partitions: PARTITIONS });
      const records = sampleTexts(500);
      await java.produce(group.topic, codec, records);
      expect(await codecsOnDisk()).toEqual([codec]);

      const member = group.launch({ inFlight: 50 }, { handlerMs: 2, reportsBytes: true });
      await group.handles(records.length, WITHIN_MS);
      expect(handledByKey(group)).toEqual(byKey(records));
      expect(group.effects.repeats()).toEqual([]);
      expect(group.effects.orderBreaks()).toEqual([]);
      await group.commitsAll(10_000);
      expect(await member.stop()).toBe(0);
    },
    60_000,
  );

  it('batches of every codec one after the other on one partition are handled in order', async () => {
    group = await TestGroup.on(server(), 'every-codec', { partitions: PARTITIONS });
    const records = CODECS.map(() => sampleRecords(100, PARTITIONS));
    const offsets: number[] = [];
    for (const [index, codec] of CODECS.entries())
      offsets.push(...(await librdkafka.produce(group.topic, codec, records[index] ?? [])));

    const member = group.launch({ inFlight: 50 }, { handlerMs: 2, reportsBytes: true });
    await group.handles(records.flat().length, WITHIN_MS);
    expect(handledBytes(group)).toEqual(expectedBytes(records.flat(), offsets));
    expect(group.effects.orderBreaks()).toEqual([]);
    expect(await member.stop()).toBe(0);
  }, 60_000);

  it.each(['none', 'lz4'] as const)(
    'a record of 1 MiB, codec %s, is handled completely, and so are the records around it',
    async (codec) => {
      group = await TestGroup.on(server(), 'large', { partitions: PARTITIONS, config: LARGE_RECORDS });
      const small = sampleRecords(10, PARTITIONS);
      const large: ForeignRecord = { partition: 0, key: Buffer.from('large'), value: largeValue(MIB), headers: {} };
      const records = [...small, large, ...small];
      const offsets: number[] = [];
      // Send each as a separate batch, since together they would exceed the topic's limit.
      for (const each of [small, [large], small]) offsets.push(...(await librdkafka.produce(group.topic, codec, each)));

      const member = group.launch({ inFlight: 50 }, { handlerMs: 2, reportsBytes: true });
      await group.handles(records.length, WITHIN_MS);
      expect(handledBytes(group)).toEqual(expectedBytes(records, offsets));
      expect(await member.stop()).toBe(0);
    },
    60_000,
  );

  it("records of 1 MiB of Kafka's performance test are all handled", async () => {
    group = await TestGroup.on(server(), 'performance', { partitions: PARTITIONS, config: LARGE_RECORDS });
    await java.producePerformance(group.topic, 'none', 20, MIB);
    const member = group.launch({ inFlight: 50 }, { handlerMs: 2 });
    await group.handles(20, 30_000);
    const sizes = [0, 1].flatMap((partition) => group.effects.inPartition(partition)).map(({ value }) => value.length);
    expect(new Set(sizes)).toEqual(new Set([MIB]));
    expect(await member.stop()).toBe(0);
  }, 90_000);
});

/** A value that compresses, but not to a small size. */
function largeValue(length: number): Buffer {
  const bytes = Buffer.alloc(length, 'a value of one MiB ');
  crypto.getRandomValues(bytes.subarray(0, 65_536));
  return bytes;
}

type BytesAt = Readonly<Record<string, RecordBytes | undefined>>;

function handledBytes(group: TestGroup): BytesAt {
  const effects = Array.from({ length: PARTITIONS }, (_, partition) => group.effects.inPartition(partition)).flat();
  return Object.fromEntries(effects.map(({ partition, offset, bytes }) => [`${partition}:${offset}`, bytes]));
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
