import { expect, it } from '@jest/globals';
import type { MakeTopic } from './contract-kafka.js';
import { failureOf, joinGroup, startMember } from './started-member.js';

/** Defines which records a read returns, and which problems it reports for a log that changed. */
export function describeReading(makeTopic: MakeTopic): void {
  it('reports the assignment before the first fetch, with all partitions for the only member', async () => {
    const topic = await makeTopic(3);
    for (const partition of [0, 1, 2]) await topic.append(partition, 'a');
    const { listener } = await startMember(topic);
    await listener.until(() => [0, 1, 2].every((partition) => listener.values(partition).length === 1));
    const first = listener.calls.find(({ type }) => type !== 'rebalancing');
    expect(first).toEqual({ type: 'assigned', partitions: expect.arrayContaining([0, 1, 2]), kept: false });
  });

  it('fetches all records in order from the first one when nothing is committed', async () => {
    const topic = await makeTopic(1);
    const values = Array.from({ length: 250 }, (_, index) => `v${index}`);
    await topic.append(0, ...values);
    const { listener } = await startMember(topic);
    await listener.until(() => listener.values(0).length >= values.length);
    expect(listener.values(0)).toEqual(values);
    let next = 0;
    for (const { fetchOffset, lastOffset, highWatermark, records } of listener.fetches(0)) {
      expect(fetchOffset).toBe(next);
      expect(records[0]?.offset).toBeGreaterThanOrEqual(fetchOffset);
      expect(lastOffset).toBe(records.at(-1)?.offset);
      expect(highWatermark).toBe(250);
      next = lastOffset + 1;
    }
  });

  it('reports where the first open transaction begins', async () => {
    const topic = await makeTopic(1);
    await topic.append(0, 'a', 'b');
    const transaction = await topic.kafka.beginTransaction(topic.topic, 0);
    await transaction.append('c');
    const { listener } = await startMember(topic);
    await listener.until(() => listener.values(0).length === 2);
    expect(listener.fetches(0).at(-1)).toMatchObject({ highWatermark: 3, lastStableOffset: 2 });
    await transaction.end('commit');
    await listener.until(() => listener.values(0).length === 3);
    await listener.until(() => listener.fetches(0).at(-1)?.lastStableOffset === 4);
  });

  it('reads from any offset that the engine requests, in the last batch or before it', async () => {
    const topic = await makeTopic(1);
    await topic.append(0, 'a', 'b', 'c');
    const left = [2, 0];
    const { listener } = await startMember(topic, { readNext: ({ lastOffset }) => left.shift() ?? lastOffset + 1 });
    await listener.until(() => listener.fetches(0).length === 3);
    expect(listener.fetches(0).map(({ fetchOffset }) => fetchOffset)).toEqual([0, 2, 0]);
    expect(listener.values(0)).toEqual(['a', 'b', 'c', 'c', 'a', 'b', 'c']);
  });

  it('covers markers and aborted records without returning them', async () => {
    const topic = await makeTopic(1);
    await topic.appendTransaction(0, ['a', 'b'], 'commit');
    await topic.appendTransaction(0, ['never'], 'abort');
    await topic.append(0, 'c');
    const { listener } = await startMember(topic);
    await listener.until(() => listener.covered(0) >= 6);
    expect(listener.values(0)).toEqual(['a', 'b', 'c']);
    // From here on there are only aborted records and a marker.
    await topic.appendTransaction(0, ['never', 'ever'], 'abort');
    await listener.until(() => listener.covered(0) >= 9);
    expect(listener.values(0)).toEqual(['a', 'b', 'c']);
  });

  it('hides exactly the records of overlapping aborted transactions, whatever their keys', async () => {
    const topic = await makeTopic(1);
    const [first, second, third] = [
      await topic.kafka.beginTransaction(topic.topic, 0),
      await topic.kafka.beginTransaction(topic.topic, 0),
      await topic.kafka.beginTransaction(topic.topic, 0),
    ];
    // A key that a client library mistook for an abort marker: an int32 0.
    await first.append('never', Buffer.alloc(4));
    await second.append('never');
    await third.append('a');
    await first.append('never', Buffer.alloc(4));
    await second.append('never');
    await second.end('abort');
    await third.append('b');
    await first.end('abort');
    await third.end('commit');
    await topic.append(0, 'c');
    const { listener } = await startMember(topic);
    await listener.until(() => listener.covered(0) >= 10);
    expect(listener.values(0)).toEqual(['a', 'b', 'c']);
  });

  it('waits for a transaction to end before it returns the records behind it', async () => {
    const topic = await makeTopic(1);
    await topic.append(0, 'a');
    const open = await topic.kafka.beginTransaction(topic.topic, 0);
    await open.append('b');
    await topic.append(0, 'c');
    const { listener } = await startMember(topic);
    await listener.until(() => listener.values(0).length === 1);
    await open.end('commit');
    await listener.until(() => listener.covered(0) >= 4);
    expect(listener.values(0)).toEqual(['a', 'b', 'c']);
  });

  it('reports records that were deleted at a position, and continues with other partitions', async () => {
    const topic = await makeTopic(2);
    await topic.append(0, 'a', 'b', 'c', 'd');
    await topic.kafka.deleteBefore(topic.topic, 0, 3);
    const { broker, listener } = await joinGroup(topic);
    const { logId } = await topic.committed(broker, 0);
    const answer = await broker.read({ ...topic.at(0), offset: 1, logId, leaderEpoch: undefined });
    expect(answer).toEqual({ type: 'deleted', earliest: 3 });
    await topic.append(1, 'other');
    const other = await broker.read({ ...topic.at(1), offset: 0, logId, leaderEpoch: undefined });
    expect(other?.type).toBe('records');
    expect(listener.problems).toEqual([]);
  });

  it('reports a log that ends below a position', async () => {
    const topic = await makeTopic(1);
    await topic.append(0, 'a', 'b');
    const { broker } = await joinGroup(topic);
    const { logId } = await topic.committed(broker, 0);
    const answer = await broker.read({ ...topic.at(0), offset: 5, logId, leaderEpoch: undefined });
    expect(answer).toEqual({ type: 'truncated', end: 2, epoch: undefined });
  });

  it('reports a topic that was deleted and recreated, also when it has grown past the position since', async () => {
    const topic = await makeTopic(1);
    await topic.append(0, 'a', 'b');
    const { broker } = await joinGroup(topic);
    const { logId } = await topic.committed(broker, 0);
    await topic.kafka.recreateTopic(topic.topic, 1);
    await topic.append(0, 'x', 'y', 'z');
    const answer = await broker.read({ ...topic.at(0), offset: 2, logId, leaderEpoch: undefined });
    expect(answer).toEqual({ type: 'recreated', logId: expect.not.stringMatching(logId), earliest: 0 });
  });

  it('keeps a read of a deleted topic open, and its health has the topic and the reason', async () => {
    const topic = await makeTopic(1);
    const { broker } = await joinGroup(topic);
    const { logId } = await topic.committed(broker, 0);
    const waiting = broker.read({ ...topic.at(0), offset: 0, logId, leaderEpoch: undefined });
    expect(broker.health.fetchFailure).toBeUndefined();
    await topic.kafka.deleteTopic(topic.topic);
    const failure = await failureOf(broker, 'fetchFailure');
    expect(failure).toMatchObject({ topic: topic.topic, code: expect.stringMatching(/^UNKNOWN_TOPIC/) });
    expect(failure.reason).not.toBe('');
    expect(await broker.partitionCount(topic.topic)).toBe(0);
    await broker.stop();
    expect(await waiting).toBeUndefined();
  });

  it('returns the partition count of a topic, 0 for a topic that does not exist', async () => {
    const topic = await makeTopic(3);
    const { broker } = await joinGroup(topic);
    expect(await broker.partitionCount(topic.topic)).toBe(3);
    expect(await broker.partitionCount(`${topic.topic}-missing`)).toBe(0);
  });

  it('answers a waiting read with undefined when the broker stops', async () => {
    const topic = await makeTopic(1);
    const { broker } = await joinGroup(topic);
    const { logId } = await topic.committed(broker, 0);
    const waiting = broker.read({ ...topic.at(0), offset: 0, logId, leaderEpoch: undefined });
    await broker.stop();
    expect(await waiting).toBeUndefined();
    expect(await broker.read({ ...topic.at(0), offset: 0, logId, leaderEpoch: undefined })).toBeUndefined();
  });
}
