import { afterEach } from '@jest/globals';
import { applyDecorators, Controller, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import { FakeBroker, FakeKafka, ManualClock } from '@orders-pipeline/parallel-consumer/testing';
import type { ParallelConsumerContext, TopicOptions } from '../topic-consumer.js';
import { PARALLEL_CONSUMER, ParallelConsumerServer } from '../parallel-consumer-server.js';

export const TOPIC = 'orders';
const DEAD_LETTERS = 'orders.dead-letter';

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** The parts of a dead letter that specs check. */
export type DeadLetter = readonly [value: string, code: string, message: string, attempts: string];

/** An in-memory topic of two partitions, with its dead-letter topic, one group member and a manual clock. */
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

  /** Delivers the appended records and advances the clock by 5 s. */
  async consume(): Promise<void> {
    await this.broker.fetch();
    await this.clock.advance(5_000);
  }

  committed(partition: number): number | undefined {
    return this.broker.group.committed({ topic: TOPIC, partition }).offset;
  }

  get deadLetters(): DeadLetter[] {
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

/** Returns a controller whose handler of the topic runs this. @param decorators of the handler, such as `UseGuards` */
export function handling(
  handle: (payload: unknown, context: ParallelConsumerContext) => unknown,
  ...decorators: readonly MethodDecorator[]
): Type {
  @Controller()
  class Orders {
    @applyDecorators(...decorators)
    // oxlint-disable-next-line typescript/no-unnecessary-type-arguments -- otherwise Nest's first overload applies, which requires one typed parameter
    @EventPattern<string>(TOPIC, PARALLEL_CONSUMER)
    save(@Payload() payload: unknown, @Ctx() context: ParallelConsumerContext): unknown {
      return handle(payload, context);
    }
  }
  return Orders;
}

/** A real Nest microservice with a controller's handlers, on an in-memory topic. */
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

  get status() {
    return this.server.getStatus(TOPIC);
  }

  /** Appends records with the keys `key-0`, `key-1`, … to alternating partitions, and consumes them. */
  async consume(...values: string[]): Promise<void> {
    for (const [index, value] of values.entries()) this.topic.append(index % 2, `key-${index}`, value);
    await this.topic.consume();
  }
}

/** Gives the specs of a file microservices that are closed after each case. @returns a function that starts one */
export function useRunningHandlers(): typeof RunningHandlers.start {
  const started: RunningHandlers[] = [];
  afterEach(async () => {
    for (const running of started.splice(0)) await running.close();
  });
  return async (...given) => {
    const running = await RunningHandlers.start(...given);
    started.push(running);
    return running;
  };
}
