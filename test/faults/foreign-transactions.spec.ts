import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { workerKafka } from '../support/empty-servers.js';
import { LibrdkafkaClient } from '../support/foreign-clients/librdkafka-client.js';
import {
  randomSteps,
  runTransactionSteps,
  type StepSettings,
  type TransactionStep,
  type WrittenValues,
} from '../support/foreign-clients/transaction-steps.js';
import { seededRandom } from '../support/member/seeded-random.js';
import { TestGroup } from '../support/member/test-group.js';

/** An int32 0. The key of an abort marker has the same four bytes: version 0, type 0 (abort). */
const INT32_ZERO = Buffer.alloc(4);

interface Case {
  readonly name: string;
  readonly steps: readonly TransactionStep[];
  readonly settings?: Omit<StepSettings, 'topic' | 'partition'>;
}

/** Each runs on a partition of its own. */
const CASES: readonly Case[] = [
  ...Object.entries({
    'the first transaction to begin is aborted last': 'A+ B+ A+ B! A! C+ C.',
    'the first transaction to begin is aborted first': 'A+ B+ A+ B+ A! B+ B! C+ C.',
    'one transaction is aborted while another commits': 'A+ B+ A+ B+ A! B. A+ B+ A. B!',
    'three transactions are open at once and end in another order': 'A+ B+ C+ B! C+ A+ A! C! D+ D.',
    'a producer aborts before and after the commit of another': 'A+ B+ A! A+ B. A+ A! B+ B.',
    'the last transactions are aborted and no visible record follows': 'A+ A. A+ B+ B! A!',
  }).map(([name, steps]) => ({ name, steps: toSteps(steps) })),
  {
    name: 'the keys of an aborted transaction are an int32 0',
    steps: toSteps('A+ A+ A! A+ A. B+ A+ A! B.'),
    settings: { key: INT32_ZERO },
  },
  {
    name: 'aborted transactions are longer than several fetches',
    steps: toSteps([...Array.from({ length: 60 }, () => 'A+ B+'), 'B!', 'A+', 'A!', 'C+', 'C.'].join(' ')),
    settings: { valueBytes: 2_000 },
  },
  ...[1, 2, 3, 4].map((seed) => ({
    name: `transactions of five producers overlap, seed ${seed}`,
    steps: randomSteps(seededRandom(seed), 100, ['A', 'B', 'C', 'D', 'E']),
  })),
];

/** Parses steps such as `A+ B+ A! B!`: + writes ten records, ! aborts, . commits. */
function toSteps(text: string): TransactionStep[] {
  const actions = { '+': 'write', '!': 'abort', '.': 'commit' } as const;
  return text.split(' ').map((step) => {
    const does = actions[step.slice(1) as keyof typeof actions];
    return { producer: step.slice(0, 1), does };
  });
}

describe('transactions of librdkafka, read by one member', () => {
  let group: TestGroup;
  let written: readonly WrittenValues[];
  let ended: object;

  async function write(brokers: string, { steps, settings }: Case, partition: number): Promise<WrittenValues> {
    const librdkafka = await LibrdkafkaClient.start(brokers);
    try {
      return await runTransactionSteps(librdkafka, steps, { ...settings, topic: group.topic, partition });
    } finally {
      await librdkafka.stop();
    }
  }

  /** Runs all steps, then a member to the end of all partitions. */
  beforeAll(async () => {
    const kafka = workerKafka();
    group = await TestGroup.on(kafka, 'transactions', { partitions: CASES.length });
    written = await Promise.all(CASES.map(async (each, partition) => write(kafka.brokers, each, partition)));
    const member = group.launch({ inFlight: 50 }, { handlerMs: 0 });
    await group.commitsAll();
    const { ready, lag } = await member.status();
    ended = { ready, lag, exitCode: await member.stop() };
  });

  afterAll(async () => {
    await group.end();
  });

  it.each(CASES.map(({ name }, partition) => [name, partition] as const))(
    'if %s: only committed records are handled, to the end',
    (_, partition) => {
      const handled = new Set(group.effects.inPartition(partition).map(({ value }) => value));
      const { visible, aborted } = written[partition] ?? { visible: new Set(), aborted: new Set() };
      expect(visible.size).toBeGreaterThan(0);
      expect([...handled].filter((value) => aborted.has(value)).map(toShort)).toEqual([]);
      expect([...visible].filter((value) => !handled.has(value)).map(toShort)).toEqual([]);
    },
  );

  it('are each handled once and in order, and the member stays ready', () => {
    expect(group.effects.repeats()).toEqual([]);
    expect(group.effects.anomalies()).toEqual([]);
    expect(ended).toEqual({ ready: true, lag: 0, exitCode: 0 });
  });
});

function toShort(value: string): string {
  return value.slice(0, 20);
}
