import { Logger } from '@nestjs/common';
import { Server, type CustomTransportStrategy } from '@nestjs/microservices';
import type { Broker } from '../../parallel-consumer/src/kafka/broker.js';
import { KafkajsBroker } from '../../parallel-consumer/src/kafka/kafkajs-broker.js';
import type { Kafka } from '../../parallel-consumer/src/kafka/kafkajs.js';
import type { State } from '../../parallel-consumer/src/lifecycle.js';
import type { EngineLogger } from '../../parallel-consumer/src/options.js';
import type { ParallelConsumer } from '../../parallel-consumer/src/parallel-consumer.js';
import type { ParallelConsumerStatus } from '../../parallel-consumer/src/status.js';
import { eventHandlers } from './event-handlers.js';
import { nestEngineLogger } from './nest-engine-logger.js';
import type { ParallelConsumerContext } from './parallel-consumer-context.js';
import { keepRealErrors } from './real-errors.js';
import type { BrokerFactory, ParallelConsumerServerOptions, TopicOptions } from './server-options.js';
import { ParallelConsumerSetupError } from './setup-error.js';
import { TopicConsumer, type ProcessingHooks } from './topic-consumer.js';

/** The second argument of `@EventPattern` for handlers of this transport: `@EventPattern('orders.v1', PARALLEL_CONSUMER)`. */
export const PARALLEL_CONSUMER = Symbol('parallel-consumer');

/**
 * A NestJS transport strategy over the parallel consumer: `app.connectMicroservice({ strategy: new ParallelConsumerServer(…) })`.
 *
 * Guarantees: what the engine guarantees, for plain `@EventPattern` handlers: many records in flight, in order per key, at
 * least once, bounded memory, retry with back-off, dead letters, a drain at `close`. Guards, pipes, interceptors and filters
 * run as for any transport, and the error that one of them or the handler throws is what the engine classifies.
 * A handler may return a promise, a value or an Observable, whose completion is waited for.
 *
 * Not guaranteed: exactly once (a crash repeats what was in flight), and replies: it has events only.
 */
export class ParallelConsumerServer extends Server<Record<string, never>, State> implements CustomTransportStrategy {
  override readonly transportId: symbol;
  /** Nest then leaves the telling of failures to the engine, which does. */
  override readonly propagatesEventHandlerErrors = true;
  private readonly consumers = new Map<string, TopicConsumer>();
  /** What the base class has until somebody sets a hook. */
  private readonly noHook = this.onProcessingStartHook;
  private closing: Promise<void> | undefined;

  /** @throws ParallelConsumerSetupError, or what the engine throws for options that can't be used */
  constructor(options: ParallelConsumerServerOptions) {
    super();
    keepRealErrors();
    this.transportId = options.transportId ?? PARALLEL_CONSUMER;
    requireOwnGroups(options);
    const hooks: ProcessingHooks = {
      areSet: () => this.onProcessingStartHook !== this.noHook || this.onProcessingEndHook !== undefined,
      round: async (context, work) => this.betweenHooks(context, work),
    };
    for (const [topic, topicOptions] of Object.entries(options.topics)) {
      const logger = topicOptions.logger ?? options.logger ?? nestEngineLogger(new Logger(`${topic} consumer`));
      const broker = connect(topic, topicOptions, options.kafka, logger);
      this.consumers.set(topic, new TopicConsumer(topicOptions, broker, logger, hooks));
    }
  }

  /** Called by Nest. Joins the groups; `statusOf(topic).ready` tells when it is in. Fails with ParallelConsumerSetupErrors. */
  async listen(callback: (error?: unknown) => void): Promise<void> {
    try {
      await this.start();
    } catch (error) {
      return callback(error);
    }
    callback();
  }

  /** Called by Nest. Takes nothing more, lets running work end, commits it and leaves the groups. Again is harmless. */
  async close(): Promise<void> {
    this.closing ??= this.drain();
    return this.closing;
  }

  /** How a topic's consumer is, for health, metrics and progress. @throws RangeError for a topic that isn't one of the options' */
  statusOf(topic: string): ParallelConsumerStatus {
    const consumer = this.consumers.get(topic);
    if (consumer === undefined) throw new RangeError(`${topic} is not one of ${[...this.consumers.keys()].join(', ')}`);
    return consumer.engine.status;
  }

  /** The engines by topic: `server.unwrap<ReadonlyMap<string, ParallelConsumer>>()`. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the base class has it so
  override unwrap<T = ReadonlyMap<string, ParallelConsumer>>(): T {
    return new Map([...this.consumers].map(([topic, { engine }]) => [topic, engine])) as T;
  }

  /** There are no events: `status` is the stream of this server's states, `statusOf` tells how each consumer is. */
  override on(): never {
    throw new ParallelConsumerSetupError(
      'no-events',
      'This transport has no events: subscribe to `status`, or read `statusOf(topic)`.',
    );
  }

  private async start(): Promise<void> {
    const byNest = [...this.consumers].flatMap(([topic, { isHandledByNest }]) => (isHandledByNest ? topic : []));
    const handlers = eventHandlers(this.messageHandlers, byNest);
    this._status$.next('starting');
    try {
      for (const [topic, consumer] of this.consumers) await consumer.start(handlers.get(topic));
    } catch (error) {
      // Those that did start must not run on in an application that did not.
      await this.close();
      throw error;
    }
    this._status$.next('running');
  }

  private async drain(): Promise<void> {
    this._status$.next('draining');
    const ends = await Promise.allSettled([...this.consumers.values()].map(async ({ engine }) => engine.stop()));
    const failures = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []));
    this._status$.next(failures.length === 0 ? 'stopped' : 'failed');
    if (failures.length > 0) throw failures.length === 1 ? failures[0] : new AggregateError(failures, 'not drained');
  }

  /** Only the work itself says how the attempt ended, never what a hook returns. */
  private async betweenHooks(context: ParallelConsumerContext, work: () => Promise<void>): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const started: unknown = this.runWithProcessingHooks(context, async (end) => {
        try {
          await work();
          resolve();
        } catch (error) {
          reject(error);
        } finally {
          end();
        }
      });
      // A hook that fails before the work fails the attempt; after it, there is nothing left to fail.
      if (started instanceof Promise) started.catch(reject);
    });
  }
}

function requireOwnGroups({ topics }: ParallelConsumerServerOptions): void {
  const groups = new Map<string, string>();
  for (const [topic, { groupId }] of Object.entries(topics)) {
    const other = groups.get(groupId);
    if (other !== undefined)
      throw new ParallelConsumerSetupError(
        'group-shared',
        `The topics ${other} and ${topic} share the group ${groupId}. Give each its own groupId.`,
      );
    groups.set(groupId, topic);
  }
  if (groups.size === 0) throw new ParallelConsumerSetupError('no-topics', 'Name at least one topic in `topics`.');
}

function connect(
  topic: string,
  { groupId, fetching }: TopicOptions,
  kafka: Kafka | BrokerFactory,
  logger: EngineLogger,
): Broker {
  return typeof kafka === 'function' ? kafka(topic) : new KafkajsBroker({ kafka, topic, groupId, logger, ...fetching });
}
