import { describe, expect, it } from '@jest/globals';
import { consuming } from './gated-consumer.js';
import { settle } from '@orders-pipeline/clock/testing';

/** Starts a consumer that finishes `a`; then `b`, `c` and `d` are appended, and `b` and `c` are deleted. */
async function withDeleted(onDeletedRecords: 'stop' | 'skip') {
  const consumer = await consuming({ onDeletedRecords }, (topic) => topic.append(0, 'a', 'a'));
  await consumer.gate.end('a');
  await consumer.clock.advance(500);
  for (const name of ['b', 'c', 'd']) consumer.append(0, name, name);
  consumer.append(1, 'e', 'e');
  consumer.kafka.deleteBefore('orders', 0, 3);
  await consumer.broker.fetch();
  await consumer.broker.fetch();
  await settle();
  return consumer;
}

describe('records that Kafka deleted before they were read', () => {
  it('stop their partition: the range is logged and the consumer is not ready', async () => {
    const { clock, gate, log, consumer, committed } = await withDeleted('stop');
    await clock.advance(1_000);
    expect(gate.started).toEqual(['a', 'e']);
    expect(committed()).toBe(1);
    expect(consumer.status).toMatchObject({ ready: false, notReadyBecause: expect.stringContaining('partition 0') });
    expect(consumer.status.partitions[0]?.stopped).toMatchObject({ reason: 'deleted-records', from: 1, to: 3 });
    expect(log.matching(/deleted records/)).toEqual([
      { topic: 'orders', partition: 0, reason: 'deleted-records', from: 1, to: 3 },
    ]);
  });

  it("are logged and skipped with onDeletedRecords: 'skip'", async () => {
    const { clock, gate, log, consumer, committed } = await withDeleted('skip');
    expect(gate.started.toSorted()).toEqual(['a', 'd', 'e']);
    await gate.end('d');
    await clock.advance(500);
    expect(committed()).toBe(4);
    expect(consumer.status.ready).toBe(true);
    expect(log.matching(/deleted records/)).toEqual([
      { topic: 'orders', partition: 0, reason: 'deleted-records', from: 1, to: 3 },
    ]);
  });

  it('are not reported when all of them had been taken before a rebalance', async () => {
    const { append, broker, clock, gate, kafka, consumer } = await consuming({ drainTimeoutMs: 0 }, (topic) => {
      for (const name of ['a', 'b']) topic.append(0, name, name);
    });
    await clock.advance(500);
    kafka.deleteBefore('orders', 0, 2);
    await broker.group.rebalance([[0, 1]]);
    append(0, 'c', 'c');
    await broker.fetch();
    await settle();
    expect(gate.started).toEqual(['a', 'b', 'c']);
    expect(consumer.status.ready).toBe(true);
  });
});
