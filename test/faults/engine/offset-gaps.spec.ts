import { afterEach, describe, expect, it } from '@jest/globals';
import type { Kafka } from 'kafkajs';
import { eventually } from '../../support/eventually.js';
import { sharedKafka } from '../../support/shared-kafka.js';
import { TestGroup } from '../../support/member/test-group.js';
import { numberedRecords, writeAll } from '../../support/numbered-records.js';
import { readToEnd, type ReadRecord } from '../../support/topic-writer.js';

const PARTITIONS = 2;
const KEYS = 100;
/** The cleaner checks every 0.5 s instead of every 15 s; the transaction state topic has 1 partition instead of 50. */
const SETTINGS = { 'log.cleaner.backoff.ms': 500, 'transaction.state.log.num.partitions': 1 };
const COMPACTED = {
  'cleanup.policy': 'compact',
  'segment.ms': '500',
  'min.cleanable.dirty.ratio': '0.01',
  'delete.retention.ms': '100',
};
const PER_TRANSACTION = 40;

describe('offsets without a record', () => {
  const server = sharedKafka(SETTINGS);
  let group: TestGroup;

  afterEach(async () => {
    await group.end();
  });

  async function readAll(): Promise<ReadRecord[]> {
    return readToEnd(group.kafka, group.topic, await group.ends(), 30_000);
  }

  it('due to compaction, even at the committed offset: all remaining records are handled', async () => {
    group = await TestGroup.on(server(), 'compacted', { partitions: PARTITIONS, config: COMPACTED });
    await writeAll(group.kafka, group.topic, numberedRecords(600, KEYS, PARTITIONS));
    const first = group.launch({ inFlight: 50 }, { handlerMs: 5 });
    await group.handles(600, 20_000);
    await group.commitsAll(10_000);
    expect(await first.stop()).toBe(0);
    const committed = await group.committed();

    await writeAll(group.kafka, group.topic, numberedRecords(2_400, KEYS, PARTITIONS, 600));
    let written = 3_000;
    await eventually('the cleaner has removed most of the first 3,000', 60_000, async () => {
      // Kafka rolls a segment, which makes it cleanable, only at a record after `segment.ms`.
      await writeAll(group.kafka, group.topic, numberedRecords(PARTITIONS, KEYS, PARTITIONS, written));
      written += PARTITIONS;
      const left = (await readAll()).filter(({ value }) => Number(value) < 3_000);
      return left.length < 1_000 && left.every(({ partition, offset }) => offset !== committed.get(partition));
    });

    const second = group.launch({ inFlight: 50 }, { handlerMs: 5 });
    await group.commitsAll(30_000);
    await eventually('the lag is 0', 10_000, async () => (await second.status()).lag === 0);
    const due = (await readAll()).filter(({ partition, offset }) => offset >= (committed.get(partition) ?? 0));
    expect(due.filter(({ partition, offset }) => !group.effects.has(partition, offset))).toEqual([]);
    expect(group.effects.repeats()).toEqual([]);
    expect(group.effects.orderBreaks()).toEqual([]);
    expect(await second.stop()).toBe(0);
  }, 150_000);

  it.each(['while they are written', 'afterwards'] as const)(
    'due to transaction markers and aborted records, read %s: all committed records are handled',
    async (when) => {
      group = await TestGroup.on(server(), 'transactions', { partitions: PARTITIONS });
      const member = when === 'afterwards' ? undefined : group.launch({ inFlight: 50 }, { handlerMs: 5 });
      await member?.joins();
      // The last transactions are aborted, so that no visible record follows them.
      const outcomes = ['commit', 'abort', 'commit', 'commit', 'abort', 'abort', 'commit', 'abort', 'abort'] as const;
      await writeTransactions(group.kafka, group.topic, outcomes);
      const reader = member ?? group.launch({ inFlight: 50 }, { handlerMs: 5 });
      const committed = outcomes.flatMap((outcome, index) =>
        outcome === 'commit'
          ? Array.from({ length: PER_TRANSACTION }, (_, n) => String(index * PER_TRANSACTION + n))
          : [],
      );
      await group.handles(committed.length, 20_000);
      await group.commitsAll(10_000);
      expect(group.effects.values()).toEqual(new Set(committed));
      expect(group.effects.repeats()).toEqual([]);
      expect(group.effects.orderBreaks()).toEqual([]);
      expect(await reader.status()).toMatchObject({ lag: 0, finished: committed.length, ready: true });
      expect(await reader.stop()).toBe(0);
    },
    60_000,
  );
});

async function writeTransactions(
  kafka: Kafka,
  topic: string,
  outcomes: readonly ('commit' | 'abort')[],
): Promise<void> {
  const producer = kafka.producer({ transactionalId: `${topic}-writer`, idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  try {
    for (const [index, outcome] of outcomes.entries()) {
      const transaction = await producer.transaction();
      const messages = numberedRecords(PER_TRANSACTION, KEYS, PARTITIONS, index * PER_TRANSACTION);
      await transaction.send({ topic, acks: -1, messages });
      await transaction[outcome]();
    }
  } finally {
    await producer.disconnect();
  }
}
