import { type ForeignRecord, LibrdkafkaClient } from '../support/foreign-clients/librdkafka-client.js';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { workerKafka } from '../support/own-servers.js';
import { seededRandom } from '../support/member/seeded-random.js';
import { TestGroup } from '../support/member/test-group.js';

const PER_WRITE = 10;

/** A step of a transactional producer, or of a producer without transactions. A producer's first write begins a transaction. */
interface TransactionStep {
  readonly producer: string;
  readonly does: 'write' | 'commit' | 'abort' | 'write without transaction';
}

interface WrittenValues {
  /** Values of committed transactions and of records without one. */
  readonly visible: ReadonlySet<string>;
  readonly aborted: ReadonlySet<string>;
}

interface StepSettings {
  readonly topic: string;
  readonly partition: number;
  readonly key?: Buffer;
  /** The minimum length of a value, in bytes. Default: 0. */
  readonly valueBytes?: number;
}

/**
 * Runs the steps one after the other with librdkafka; each write appends ten records to the partition. Each producer must
 * end its last transaction: an open one hides all later records from read_committed consumers.
 */
async function runTransactionSteps(
  client: LibrdkafkaClient,
  steps: readonly TransactionStep[],
  settings: StepSettings,
): Promise<WrittenValues> {
  const open = new Map<string, string[]>();
  const visible = new Set<string>();
  const aborted = new Set<string>();
  let written = 0;
  for (const { producer, does } of steps) {
    const name = `${settings.topic}-${settings.partition}-${producer}`;
    const values = open.get(name);
    if (does === 'commit' || does === 'abort') {
      await client[does](name);
      for (const value of values ?? []) (does === 'commit' ? visible : aborted).add(value);
      open.delete(name);
      continue;
    }
    const next = Array.from({ length: PER_WRITE }, (_, n) => toValue(producer, written + n, settings));
    written += PER_WRITE;
    const records = next.map((value) => toRecord(value, settings));
    if (does === 'write without transaction') {
      await client.produce(settings.topic, 'none', records);
      for (const value of next) visible.add(value);
      continue;
    }
    if (values === undefined) await client.begin(name);
    await client.send(name, settings.topic, records);
    open.set(name, [...(values ?? []), ...next]);
  }
  if (open.size > 0) throw new Error(`the steps must end every transaction, open: ${[...open.keys()].join(', ')}`);
  return { visible, aborted };
}

/** Returns seeded random steps: the producers write, commit and abort interleaved, and each one ends its last transaction. */
function randomSteps(random: () => number, count: number, producers: readonly string[]): TransactionStep[] {
  const open = new Set<string>();
  const steps = Array.from({ length: count }, (): TransactionStep => {
    const producer = producers[Math.floor(random() * producers.length)] ?? '';
    if (random() < 0.1) return { producer: 'plain', does: 'write without transaction' };
    if (!open.has(producer) || random() < 0.5) {
      open.add(producer);
      return { producer, does: 'write' };
    }
    open.delete(producer);
    return { producer, does: random() < 0.6 ? 'abort' : 'commit' };
  });
  return [...steps, ...[...open].map((producer): TransactionStep => ({ producer, does: 'abort' }))];
}

function toValue(producer: string, number: number, { valueBytes = 0 }: StepSettings): string {
  return `${producer} ${number} `.padEnd(valueBytes, '.');
}

function toRecord(value: string, { partition, key = Buffer.from('key') }: StepSettings): ForeignRecord {
  return { partition, key, value: Buffer.from(value), headers: {} };
}

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
