import { describe, expect, it } from '@jest/globals';
import { settle } from '@orders-pipeline/clock/testing';
import { ParallelConsumer } from '../parallel-consumer.js';
import { FakeBroker } from '../testing/fake-broker.js';
import { consuming, Gate, RecordingLogger } from './gated-consumer.js';

const GROUP = { topic: 'orders', groupId: 'savers', rebalancing: 'cooperative' } as const;

/** Starts a consumer with records of two partitions in the handler, and a second one, so that the first surrenders partition 1. */
async function surrendering(
  drainTimeoutMs: number,
  meanwhile: (first: Awaited<ReturnType<typeof consuming>>) => Promise<void> = async () => undefined,
) {
  const first = await consuming(
    { ordering: 'partition', drainTimeoutMs, onTruncatedLog: 'reset' },
    (topic) => {
      for (const partition of [0, 1])
        for (const name of ['a', 'b']) topic.append(partition, null, `${name}${partition}`);
    },
    'cooperative',
  );
  const { kafka, clock, broker } = first;
  await meanwhile(first);
  const other = new FakeBroker(kafka, { ...GROUP, clock });
  const gate = new Gate();
  const consumer = new ParallelConsumer(
    { handler: gate.handler, logger: new RecordingLogger(), deadLetterTopic: 'dead', clock, ordering: 'partition' },
    other,
  );
  await consumer.start();
  void broker.group.rebalance([[0], [1]]);
  await settle();
  const committedOf = (partition: number) => broker.group.committed({ topic: 'orders', partition }).offset;
  return { first, other: { broker: other, gate, consumer }, committedOf };
}

describe('a consumer of a cooperative group', () => {
  it('goes on with the partitions that stay while it finishes the running records of those that leave', async () => {
    const { first, other, committedOf } = await surrendering(5_000);
    expect(first.gate.started).toEqual(['a0', 'a1']);
    await first.gate.end('a0');
    expect(first.gate.started).toEqual(['a0', 'a1', 'b0']);
    await other.broker.fetch();
    expect(other.gate.started).toEqual([]);
    expect(first.consumer.status.ready).toBe(true);
    await first.gate.end('a1');
    await settle();
    expect(committedOf(1)).toBe(1);
    await other.broker.fetch();
    expect(other.gate.started).toEqual(['b1']);
    expect(first.gate.started).toEqual(['a0', 'a1', 'b0']);
  });

  it('leaves a record whose handler exceeds the drain timeout to the next owner, and aborts its attempt', async () => {
    const { first, other, committedOf } = await surrendering(1_000);
    await first.clock.advance(1_000);
    await other.broker.fetch();
    expect(other.gate.started).toEqual(['a1']);
    expect(first.gate.attempts('a1')[0]?.signal.aborted).toBe(true);
    expect(first.gate.attempts('a0')[0]?.signal.aborted).toBe(false);
    expect(committedOf(1)).toBe(0);
    expect(first.log.matching(/^rebalance: /)).toEqual([{ finished: 0, deadLettered: 0, handedOver: 2, lost: 0 }]);
  });

  it('stops completely when it is stopped while it surrenders partitions', async () => {
    const { first, other, committedOf } = await surrendering(5_000);
    const stopped = first.consumer.stop();
    await first.gate.end('a0');
    await first.gate.end('a1');
    expect(await stopped).toMatchObject({ finished: 2, lost: 0 });
    expect([committedOf(0), committedOf(1)]).toEqual([1, 1]);
    await other.broker.fetch();
    expect(other.gate.started.toSorted()).toEqual(['b0', 'b1']);
  });

  it('commits after the next assignment when a rebalance has rejected the commit of its stop', async () => {
    const first = await consuming({}, (topic) => topic.append(0, 'a', 'a'), 'cooperative');
    await first.gate.end('a');
    first.broker.failing = { commit: new Error('REBALANCE_IN_PROGRESS') };
    const stopped = first.consumer.stop();
    await settle();
    first.broker.failing = {};
    await first.broker.group.rebalance();
    await stopped;
    expect(first.committed()).toBe(1);
  });

  it('waits two seconds at most for that assignment', async () => {
    const first = await consuming({}, (topic) => topic.append(0, 'a', 'a'), 'cooperative');
    await first.gate.end('a');
    first.broker.failing = { commit: new Error('REBALANCE_IN_PROGRESS') };
    const stopped = first.consumer.stop();
    await first.clock.advance(2_000);
    expect(await stopped).toMatchObject({ lost: 0 });
    expect(first.committed()).toBeUndefined();
  });

  it('does not surrender a partition before records that were read from its log before are finished', async () => {
    const { first, other } = await surrendering(5_000, async ({ kafka, broker, append }) => {
      kafka.createTopic('orders', 2);
      for (const partition of [0, 1]) append(partition, null, `new${partition}`);
      await broker.fetch();
      await broker.fetch();
    });
    expect(first.log.matching(/deleted and created again/)).not.toEqual([]);
    expect(other.broker.owned).toEqual([]);
    await first.gate.end('new1');
    expect(other.broker.owned).toEqual([]);
    await first.gate.end('a1');
    expect(other.broker.owned).toEqual([{ topic: 'orders', partition: 1 }]);
  });
});
