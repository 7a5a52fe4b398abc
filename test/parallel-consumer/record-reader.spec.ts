import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { KafkajsConnections, RecordReader } from '@orders-pipeline/parallel-consumer/kafkajs';
import { numberedRecords, writeAll, TestGroup } from '../support/member/test-group.js';
import { workerKafka } from '../support/own-servers.js';
import { beginTransaction, topicOffsets, transactionalProducer, writeRecords } from '../support/topic-writer.js';

const PARTITIONS = 2;
/** Records per partition; more than one batch. */
const WRITTEN = 1_500;

describe('reading single records by their offsets', () => {
  let group: TestGroup;
  let reader: RecordReader;

  beforeEach(async () => {
    group = await TestGroup.on(workerKafka(), 'read', { partitions: PARTITIONS }, 'without dead letters');
    await writeAll(group.kafka, group.topic, numberedRecords(PARTITIONS * WRITTEN, 100, PARTITIONS));
    reader = new RecordReader(new KafkajsConnections(group.kafka));
  });

  afterEach(async () => {
    await reader.close();
    await group.end();
  });

  async function valuesAt(...offsets: number[]): Promise<Record<number, string | undefined>> {
    const records = await reader.read(group.topic, 1, offsets);
    return Object.fromEntries([...records].map(([offset, { value }]) => [offset, value?.toString()]));
  }

  async function offsetsIn(from: number, to: number): Promise<number[]> {
    const offsets: number[] = [];
    for await (const records of reader.readRange(group.topic, 1, { from, to }))
      offsets.push(...records.map(({ offset }) => offset));
    return offsets;
  }

  it('returns the requested records, in any order and at any distance', async () => {
    const values = await valuesAt(1_499, 0, 7, 8, 1_001);
    expect(values).toEqual({ 0: '1', 7: '15', 8: '17', 1001: '2003', 1499: '2999' });
  });

  it('returns key, value, headers and timestamp as written', async () => {
    const [offset = -1] = await writeRecords(group.kafka, group.topic, [
      {
        partition: 1,
        key: 'a key',
        value: Buffer.alloc(900_000, 'x'),
        headers: { 'x-trace': 'abc' },
        timestamp: '1500',
      },
    ]);
    const record = (await reader.read(group.topic, 1, [offset])).get(offset);
    expect([record?.key?.toString(), record?.value?.length]).toEqual(['a key', 900_000]);
    expect(record?.headers['x-trace']?.toString()).toBe('abc');
    expect(record?.timestamp).toBe(1_500);
  });

  it('returns repeated headers, and those without a value, as they were written', async () => {
    const headers = { trace: ['a', 'b'], none: null, empty: '' };
    await writeAll(group.kafka, group.topic, [{ partition: 1, key: null, value: null, headers }]);
    const record = (await reader.read(group.topic, 1, [WRITTEN])).get(WRITTEN);
    expect(record?.headerList?.map(([name, value]) => [name, value && String(value)])).toEqual([
      ['trace', 'a'],
      ['trace', 'b'],
      ['none', null],
      ['empty', ''],
    ]);
    expect(record?.headers).toEqual({ trace: Buffer.from('b'), none: undefined, empty: Buffer.alloc(0) });
  });

  it('omits records that are deleted or not written yet, and returns the others', async () => {
    await group.asAdmin(async (admin) => {
      // kafkajs deletes records only after it has loaded the leaders of the topic.
      await topicOffsets(admin, group.topic);
      await admin.deleteTopicRecords({ topic: group.topic, partitions: [{ partition: 1, offset: '700' }] });
    });
    expect(await valuesAt(3, 699, 700, WRITTEN, 9_999)).toEqual({ 700: '1401' });
    expect(await reader.read(group.topic, 77, [0])).toEqual(new Map());
  });

  it('throws for a record that an open transaction hides, and omits it once the transaction is aborted', async () => {
    const producer = transactionalProducer(group.kafka);
    await producer.connect();
    const transaction = await beginTransaction(producer);
    await transaction.send({ topic: group.topic, messages: [{ partition: 1, value: 'in the transaction' }] });
    await writeRecords(group.kafka, group.topic, [{ partition: 1, key: 'k', value: Buffer.from('behind it') }]);
    await expect(valuesAt(WRITTEN + 1)).rejects.toMatchObject({ code: 'open-transaction' });
    await transaction.abort();
    expect(await valuesAt(WRITTEN, WRITTEN + 1)).toEqual({ [WRITTEN + 1]: 'behind it' });
    await producer.disconnect();
  });

  it('reads all records of a range in their order, without those that are deleted', async () => {
    expect(await offsetsIn(0, WRITTEN)).toEqual(Array.from({ length: WRITTEN }, (_, offset) => offset));
    expect(await offsetsIn(1_498, 1_499)).toEqual([1_498]);
    expect(await offsetsIn(7, 7)).toEqual([]);
  });

  it('knows the id of a topic, which another one of the same name has not', async () => {
    const before = await reader.topicId(group.topic);
    expect(before).toMatch(/^[0-9a-f]{32}$/);
    await expect(new RecordReader(new KafkajsConnections(group.kafka)).topicId('never-created')).rejects.toThrow(
      'UNKNOWN_TOPIC',
    );
  });

  it('joins no consumer group', async () => {
    await valuesAt(5);
    const groups = await group.asAdmin(async (admin) => (await admin.listGroups()).groups);
    expect(groups.map(({ groupId }) => groupId)).not.toContain('never-joined');
  });
});
