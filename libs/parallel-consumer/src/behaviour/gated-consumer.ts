import type { Attempt } from '../attempts/record-handler.js';
import type { EngineLogger } from '../events/engine-logger.js';
import type { ParallelConsumerOptions } from '../options.js';
import type { Rebalancing } from '../kafka/owned-partitions.js';
import { ParallelConsumer } from '../parallel-consumer.js';
import type { ConsumedRecord } from '../records/record.js';
import { FakeBroker } from '../testing/fake-broker.js';
import { FakeKafka } from '../testing/fake-kafka.js';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';

interface OpenAttempt {
  readonly attempt: Attempt;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** A handler whose attempts end when the spec calls `end` or `fail`. Records are identified by their value. */
export class Gate {
  readonly started: string[] = [];
  private readonly open = new Map<string, OpenAttempt[]>();

  readonly handler = async (record: ConsumedRecord, attempt: Attempt): Promise<void> => {
    const name = String(record.value);
    this.started.push(name);
    await new Promise<void>((resolve, reject) => {
      this.open.set(name, [...(this.open.get(name) ?? []), { attempt, resolve, reject }]);
    });
  };

  /** Returns all attempts of a record so far, including ended ones. */
  attempts(name: string): Attempt[] {
    return (this.open.get(name) ?? []).map(({ attempt }) => attempt);
  }

  /** Lets an attempt succeed. @param number index of the attempt, from 0; default: the last one */
  async end(name: string, number = -1): Promise<void> {
    this.open.get(name)?.at(number)?.resolve();
    await settle();
  }

  /** Lets an attempt fail. @param number index of the attempt, from 0; default: the last one */
  async fail(name: string, error: Error, number = -1): Promise<void> {
    this.open.get(name)?.at(number)?.reject(error);
    await settle();
  }
}

/** A logger that records its entries. */
export class RecordingLogger implements EngineLogger {
  readonly entries: { readonly level: string; readonly message: string; readonly details: object }[] = [];

  readonly debug = (details: object, message: string): void => this.keep('debug', details, message);
  readonly info = (details: object, message: string): void => this.keep('info', details, message);
  readonly warn = (details: object, message: string): void => this.keep('warn', details, message);
  readonly error = (details: object, message: string): void => this.keep('error', details, message);

  /** Returns the details of the entries whose message matches, in order. */
  matching(pattern: RegExp): object[] {
    return this.entries.filter(({ message }) => pattern.test(message)).map(({ details }) => details);
  }

  private keep(level: string, details: object, message: string): void {
    this.entries.push({ level, message, details });
  }
}

export type Append = (partition: number, key: string | null, value: string, offset?: number) => void;

type SomeOptions = Partial<ParallelConsumerOptions>;

/**
 * Starts a consumer of two partitions on the fake Kafka. `fill` appends records, which the consumer takes before this resolves.
 * @param options may be a function, when they need the clock
 */
export async function consuming(
  options: SomeOptions | ((clock: ManualClock) => SomeOptions),
  fill: (topic: { append: Append }) => void,
  rebalancing: Rebalancing = 'eager',
) {
  const kafka = new FakeKafka();
  kafka.createTopic('orders', 2);
  kafka.createTopic('dead', 2);
  const append: Append = (partition, key, value, offset) =>
    void kafka.append('orders', partition, key, value, offset === undefined ? {} : { offset });
  fill({ append });
  const clock = new ManualClock();
  const broker = new FakeBroker(kafka, { topic: 'orders', groupId: 'savers', clock, rebalancing });
  const gate = new Gate();
  const log = new RecordingLogger();
  const consumer = new ParallelConsumer(
    {
      handler: gate.handler,
      logger: log,
      deadLetterTopic: 'dead',
      inFlight: 1_000,
      clock,
      random: () => 1,
      ...(typeof options === 'function' ? options(clock) : options),
    },
    broker,
  );
  await consumer.start();
  await settle();
  await broker.fetch();
  await settle();
  const committed = (): number | undefined => broker.group.committed({ topic: 'orders', partition: 0 }).offset;
  const letters = () =>
    kafka.records('dead').map(({ value, headers }) => ({
      value: value?.toString() ?? null,
      headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, String(text)])),
    }));
  return { kafka, append, broker, clock, gate, log, consumer, committed, letters };
}
