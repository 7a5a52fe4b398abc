import { Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FakeBroker } from '../../../parallel-consumer/src/testing/fake-broker.js';
import { FakeKafka } from '../../../parallel-consumer/src/testing/fake-kafka.js';
import { ManualClock } from '../../../parallel-consumer/src/testing/manual-clock.js';
import { ParallelConsumerServer } from '../parallel-consumer-server.js';
import type { TopicOptions } from '../server-options.js';

export const TOPIC = 'orders';
const DEAD_LETTERS = 'orders.dead-letter';

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** A dead letter as a spec looks at it: value, error code, error message and attempts. */
export type Letter = readonly [value: string, code: string, message: string, attempts: string];

/** A topic in memory, of two partitions, with its dead letters, one member of its group, and a clock of its own. */
export class TopicInMemory {
  readonly clock = new ManualClock();
  readonly broker: FakeBroker;
  private readonly kafka = new FakeKafka();

  constructor() {
    for (const name of [TOPIC, DEAD_LETTERS]) this.kafka.createTopic(name, 2);
    this.broker = new FakeBroker(this.kafka, { topic: TOPIC, groupId: 'savers' });
  }

  append(partition: number, key: string, value: string): void {
    this.kafka.append(TOPIC, partition, key, value);
  }

  /** Hands over what was appended, and lets the engine work on it for a while. */
  async consume(): Promise<void> {
    await this.broker.fetch();
    await this.clock.advance(5_000);
  }

  committed(partition: number): number | undefined {
    return this.broker.group.committed({ topic: TOPIC, partition }).offset;
  }

  get deadLetters(): Letter[] {
    return this.kafka
      .records(DEAD_LETTERS)
      .map(({ value, headers }) => [
        String(value),
        String(headers['dead-letter-error-code']),
        String(headers['dead-letter-error-message']),
        String(headers['dead-letter-attempts']),
      ]);
  }

  server(options: Partial<TopicOptions> = {}): ParallelConsumerServer {
    const { clock, broker } = this;
    const defaults = { groupId: 'savers', deadLetterTopic: DEAD_LETTERS, inFlight: 100, maxAttempts: 2 };
    const topic = { ...defaults, clock, random: () => 0, ...options };
    return new ParallelConsumerServer({ kafka: () => broker, logger: silent, topics: { [TOPIC]: topic } });
  }
}

/** A real Nest microservice with the controller's handlers, over a topic in memory. */
export class RunningHandlers {
  private constructor(
    readonly topic: TopicInMemory,
    readonly server: ParallelConsumerServer,
    readonly close: () => Promise<void>,
  ) {}

  static async start(controller: Type, options: Partial<TopicOptions> = {}): Promise<RunningHandlers> {
    const topic = new TopicInMemory();
    const server = topic.server(options);
    class AppModule {}
    Module({ controllers: [controller] })(AppModule);
    const app = await NestFactory.createMicroservice(AppModule, { strategy: server, logger: false });
    await app.listen();
    return new RunningHandlers(topic, server, async () => app.close());
  }

  /** Appends records of keys `key-0`, `key-1` and so on, to the partitions in turn, and lets the engine work on them. */
  async consume(...values: string[]): Promise<void> {
    for (const [index, value] of values.entries()) this.topic.append(index % 2, `key-${index}`, value);
    await this.topic.consume();
  }
}
