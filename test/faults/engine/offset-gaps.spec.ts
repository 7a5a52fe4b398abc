import { afterEach, describe, expect, it } from '@jest/globals';
import type { Kafka } from 'kafkajs';
import { workerKafka } from '../../support/own-servers.js';
import { TestGroup, numberedRecords } from '../../support/member/test-group.js';
import { beginTransaction, transactionalProducer } from '../../support/topic-writer.js';

const PARTITIONS = 2;
const KEYS = 100;
const PER_TRANSACTION = 40;

describe('offsets without a record', () => {
  let group: TestGroup;

  afterEach(async () => {
    await group.end();
  });

  it.each(['while they are written', 'afterwards'] as const)(
    'due to transaction markers and aborted records, read %s: all committed records are handled',
    async (when) => {
      group = await TestGroup.on(workerKafka(), 'transactions', { partitions: PARTITIONS });
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
      await group.handles(committed.length);
      await group.commitsAll();
      expect(group.effects.values()).toEqual(new Set(committed));
      expect(group.effects.repeats()).toEqual([]);
      expect(group.effects.anomalies()).toEqual([]);
      expect(await reader.status()).toMatchObject({ lag: 0, finished: committed.length, ready: true });
      expect(await reader.stop()).toBe(0);
    },
  );
});

async function writeTransactions(
  kafka: Kafka,
  topic: string,
  outcomes: readonly ('commit' | 'abort')[],
): Promise<void> {
  const producer = transactionalProducer(kafka);
  await producer.connect();
  try {
    for (const [index, outcome] of outcomes.entries()) {
      const transaction = await beginTransaction(producer);
      const messages = numberedRecords(PER_TRANSACTION, KEYS, PARTITIONS, index * PER_TRANSACTION);
      await transaction.send({ topic, acks: -1, messages });
      await transaction[outcome]();
    }
  } finally {
    await producer.disconnect();
  }
}
