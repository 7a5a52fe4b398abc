import type { ForeignRecord } from './foreign-record.js';
import type { LibrdkafkaClient } from './librdkafka-client.js';

const PER_WRITE = 10;

/** A step of a transactional producer, or of a producer without transactions. A producer's first write begins a transaction. */
export interface TransactionStep {
  readonly producer: string;
  readonly does: 'write' | 'commit' | 'abort' | 'write without transaction';
}

export interface WrittenValues {
  /** Values of committed transactions and of records without one. */
  readonly visible: ReadonlySet<string>;
  readonly aborted: ReadonlySet<string>;
}

export interface StepSettings {
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
export async function runTransactionSteps(
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
export function randomSteps(random: () => number, count: number, producers: readonly string[]): TransactionStep[] {
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
