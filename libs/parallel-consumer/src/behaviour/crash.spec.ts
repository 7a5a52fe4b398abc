import { describe, expect, it } from '@jest/globals';
import type { ParallelConsumerOptions } from '../options.js';
import { ParallelConsumer } from '../parallel-consumer.js';
import { encodeCompletedOffsets } from '../commits/completed-offsets.js';
import { FakeBroker } from '../testing/fake-broker.js';
import { consuming, Gate, RecordingLogger } from './gated-consumer.js';
import { settle } from '@orders-pipeline/clock/testing';

/** Starts a consumer that finishes `b` and `d`, commits, and crashes with `a` and `c` unfinished. */
async function crashed(options: Partial<ParallelConsumerOptions>) {
  const first = await consuming(options, (topic) => {
    for (const name of ['a', 'b', 'c', 'd']) topic.append(0, name, name);
  });
  await first.gate.end('b');
  await first.gate.end('d');
  await first.clock.advance(500);
  first.broker.kill();
  return first;
}

/** As version 0.2.0 commits it in `crashed`: without epochs. */
const METADATA_OF_0_2_0 = 'AgAAAAAAAAAAAAAAAAAAAAEAAQEBAQ==';

/** Starts another consumer of the same group, which has taken all available records. */
async function startSuccessor(
  { kafka, clock }: Awaited<ReturnType<typeof crashed>>,
  failing: FakeBroker['failing'] = {},
  more: Partial<ParallelConsumerOptions> = {},
) {
  const broker = new FakeBroker(kafka, { topic: 'orders', groupId: 'savers' });
  broker.failing = failing;
  const gate = new Gate();
  const log = new RecordingLogger();
  const options = { handler: gate.handler, logger: log, deadLetterTopic: 'dead', clock, ...more };
  const consumer = new ParallelConsumer(options, broker);
  await consumer.start();
  await broker.fetch();
  return { broker, gate, consumer, log };
}

describe('after a crash', () => {
  it('does not repeat records that the commit metadata lists as completed', async () => {
    const first = await crashed({});
    const { gate, consumer } = await startSuccessor(first);
    expect(gate.started).toEqual(['a', 'c']);
    expect(consumer.status.skippedAsCompleted).toBe(2);
    await gate.end('a');
    await gate.end('c');
    await first.clock.advance(500);
    expect(first.committed()).toBe(4);
  });

  it('keeps the completed offsets across a second crash', async () => {
    const first = await crashed({});
    const second = await startSuccessor(first);
    await second.gate.end('a');
    await first.clock.advance(500);
    second.broker.kill();
    const third = await startSuccessor(first);
    expect(third.gate.started).toEqual(['c']);
  });

  it('repeats all records from the oldest unfinished one when commitCompletedOffsets is false', async () => {
    const { gate, consumer } = await startSuccessor(await crashed({ commitCompletedOffsets: false }));
    expect(gate.started).toEqual(['a', 'b', 'c', 'd']);
    expect(consumer.status.skippedAsCompleted).toBe(0);
  });

  it('takes no records until the coordinator has returned the committed offsets', async () => {
    const first = await crashed({});
    const { broker, gate } = await startSuccessor(first, { committed: new Error('coordinator unavailable') });
    await first.clock.advance(5_000);
    expect(gate.started).toEqual([]);
    broker.failing = {};
    await first.clock.advance(5_000);
    await broker.fetch();
    expect(gate.started).toEqual(['a', 'c']);
  });
});

describe('after a crash, and a truncation of the log below records that were completed', () => {
  type Crashed = Awaited<ReturnType<typeof crashed>>;
  const at = { topic: 'orders', partition: 0 };

  /** `a` to `c` are left; `x` and `y` replace `d` and follow it. */
  const truncated = ({ kafka, append }: Crashed): void => {
    kafka.truncate('orders', 0, 3);
    for (const name of ['x', 'y']) append(0, name, name);
  };
  /** Replaces the commit by one of a member of version 0.2.0. */
  const committedByOldMember = ({ broker }: Crashed, leaderEpoch: number | undefined): void =>
    void broker.group.positions.set('orders-0', { offset: 0, leaderEpoch, metadata: METADATA_OF_0_2_0 });

  it.each(['stop', 'reset'] as const)(
    'handles the new records, and repeats none that is left (%s)',
    async (onTruncatedLog) => {
      const first = await crashed({});
      truncated(first);
      const { gate, consumer } = await startSuccessor(first, {}, { onTruncatedLog });
      expect(gate.started).toEqual(['a', 'c', 'x', 'y']);
      expect(consumer.status.skippedAsCompleted).toBe(1);
    },
  );

  it('handles them also after a second crash before they were read', async () => {
    const first = await crashed({});
    const second = await startSuccessor(first);
    await second.gate.end('a');
    await first.clock.advance(500);
    second.broker.kill();
    truncated(first);
    expect((await startSuccessor(first)).gate.started).toEqual(['c', 'x', 'y']);
  });

  it('handles unread records of an earlier epoch that a replica kept', async () => {
    const first = await crashed({});
    const log = first.kafka.log('orders', 0);
    // The completed records were those of epoch 1 from offset 1 on.
    const metadata = encodeCompletedOffsets(
      log.id,
      0,
      [{ from: 1, to: 4 }],
      [
        { epoch: 0, offset: 0 },
        { epoch: 1, offset: 1 },
      ],
    );
    first.broker.group.positions.set('orders-0', { offset: 0, leaderEpoch: undefined, metadata });
    expect((await startSuccessor(first)).gate.started).toEqual(['a', 'b', 'c', 'd']);
  });

  it('reads the metadata of an old member, and handles the new records', async () => {
    const first = await crashed({});
    committedByOldMember(first, 0);
    const second = await startSuccessor(first);
    expect(second.gate.started).toEqual(['a', 'c']);
    second.broker.kill();
    truncated(first);
    expect((await startSuccessor(first)).gate.started).toEqual(['a', 'c', 'x', 'y']);
  });

  it('repeats all records of an old member whose commit had no leader epoch', async () => {
    const first = await crashed({});
    committedByOldMember(first, undefined);
    expect((await startSuccessor(first)).gate.started).toEqual(['a', 'b', 'c', 'd']);
  });

  it('logs where completed offsets were dropped', async () => {
    const first = await crashed({});
    truncated(first);
    const { log } = await startSuccessor(first);
    expect(log.matching(/completed offsets dropped/)).toEqual([{ ...at, offset: 3 }]);
  });
});

describe('a member whose session expired', () => {
  it('starts at the committed offsets when it rejoins, and does not repeat the work of others', async () => {
    const first = await consuming({ inFlight: 1, drainTimeoutMs: 0 }, (topic) => {
      for (const name of ['a', 'b']) topic.append(0, 'k', name);
    });
    first.broker.expire();
    await settle();
    const second = await startSuccessor(first);
    for (const name of ['a', 'b']) await second.gate.end(name);
    await first.clock.advance(500);
    await second.consumer.stop();
    await first.broker.rejoin();
    await first.gate.end('a');
    void first.broker.fetch();
    await first.clock.advance(500);
    expect(first.gate.started).toEqual(['a']);
    expect(first.committed()).toBe(2);
  });
});
