import type { ParallelConsumerOptions } from '../options.js';
import { ParallelConsumer } from '../parallel-consumer.js';
import type { ConsumedRecord } from '../record.js';
import { FakeBroker } from './fake-broker.js';
import { FakeKafka } from './fake-kafka.js';
import { ManualClock, settle } from './manual-clock.js';

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** A handler whose records end when the spec says so, by their value. */
export class Gate {
  readonly started: string[] = [];
  private readonly open = new Map<string, { resolve: () => void; reject: (error: Error) => void }>();

  readonly handler = async (record: ConsumedRecord): Promise<void> => {
    const name = String(record.value);
    this.started.push(name);
    await new Promise<void>((resolve, reject) => void this.open.set(name, { resolve, reject }));
  };

  async end(name: string): Promise<void> {
    this.open.get(name)?.resolve();
    await settle();
  }

  async fail(name: string, error: Error): Promise<void> {
    this.open.get(name)?.reject(error);
    await settle();
  }
}

export type Append = (partition: number, key: string | null, value: string, offset?: number) => void;

/** A consumer of two partitions on the fake Kafka that has taken what was filled in, and a gate to end its records by. */
export async function consuming(options: Partial<ParallelConsumerOptions>, fill: (topic: { append: Append }) => void) {
  const kafka = new FakeKafka();
  kafka.createTopic('orders', 2);
  kafka.createTopic('dead', 2);
  const append: Append = (partition, key, value, offset) =>
    void kafka.append('orders', partition, key, value, offset === undefined ? {} : { offset });
  fill({ append });
  const broker = new FakeBroker(kafka, { topic: 'orders', groupId: 'savers' });
  const clock = new ManualClock();
  const gate = new Gate();
  const consumer = new ParallelConsumer(
    {
      handler: gate.handler,
      logger: quiet,
      deadLetterTopic: 'dead',
      inFlight: 1_000,
      clock,
      random: () => 1,
      ...options,
    },
    broker,
  );
  await consumer.start();
  void broker.fetch();
  await settle();
  const committed = (): number | undefined => broker.group.committed({ topic: 'orders', partition: 0 }).offset;
  const letters = () =>
    kafka.records('dead').map(({ value, headers }) => ({
      value: value?.toString() ?? null,
      headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, String(text)])),
    }));
  return { kafka, append, broker, clock, gate, consumer, committed, letters };
}
