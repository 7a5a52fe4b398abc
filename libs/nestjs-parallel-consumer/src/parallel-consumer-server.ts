import { Logger } from '@nestjs/common';
import { Server, type CustomTransportStrategy } from '@nestjs/microservices';
import type {
  Broker,
  State,
  EngineLogger,
  ParallelConsumer,
  ParallelConsumerStatus,
} from '@orders-pipeline/parallel-consumer';
import { KafkajsBroker } from '@orders-pipeline/parallel-consumer/kafkajs';
import type { Kafka } from 'kafkajs';
import { eventHandlers } from './event-handlers.js';
import { nestEngineLogger } from './nest-engine-logger.js';
import type { ParallelConsumerContext } from './parallel-consumer-context.js';
import { keepRealErrors } from './real-errors.js';
import type { BrokerFactory, ParallelConsumerServerOptions, TopicOptions } from './server-options.js';
import { ParallelConsumerSetupError } from './setup-error.js';
import { TopicConsumer, type ProcessingHooks } from './topic-consumer.js';

/** Marks handlers of this transport, as the second argument of the decorator: `@EventPattern('orders.v1', PARALLEL_CONSUMER)`. */
export const PARALLEL_CONSUMER = Symbol('parallel-consumer');

const OPTIONS: readonly string[] = [
  'kafka',
  'topics',
  'logger',
  'transportId',
] satisfies (keyof ParallelConsumerServerOptions)[];

/**
 * A NestJS transport strategy for the parallel consumer: `app.connectMicroservice({ strategy: new ParallelConsumerServer(…) })`.
 *
 * Guarantees: those of the engine, for plain `@EventPattern` handlers: many records in flight, order per key, at-least-once
 * processing, bounded memory, retries with back-off, dead letters, and a drain at `close`. Guards, pipes, interceptors and filters
 * run as for any transport. The engine classifies the error that one of them or the handler throws. A handler may return a
 * promise, a value or an Observable; the record is done when the Observable completes.
 *
 * Not guaranteed: exactly-once processing (a crash repeats the records in flight). Not supported: replies.
 */
export class ParallelConsumerServer extends Server<Record<string, never>, State> implements CustomTransportStrategy {
  override readonly transportId: symbol;
  /** Makes Nest propagate handler errors to the engine, which logs them, instead of logging them itself. */
  override readonly propagatesEventHandlerErrors = true;
  private readonly consumers = new Map<string, TopicConsumer>();
  /** The base class's default, which shows whether the application has set a hook. */
  private readonly noHook = this.onProcessingStartHook;
  private closing: Promise<void> | undefined;

  /** @throws ParallelConsumerSetupError for invalid topics; RangeError or TypeError for other invalid, missing or unknown options */
  constructor(options: ParallelConsumerServerOptions) {
    super();
    requireKnownOptions(options);
    keepRealErrors();
    this.transportId = options.transportId ?? PARALLEL_CONSUMER;
    requireOwnGroups(options);
    const hooks: ProcessingHooks = {
      areSet: () => this.onProcessingStartHook !== this.noHook || this.onProcessingEndHook !== undefined,
      runAround: async (context, work) => this.runBetweenHooks(context, work),
    };
    for (const [topic, topicOptions] of Object.entries(options.topics)) {
      const logger = topicOptions.logger ?? options.logger ?? nestEngineLogger(new Logger(`${topic} consumer`));
      const broker = connect(topic, topicOptions, options.kafka, logger);
      this.consumers.set(topic, new TopicConsumer(topicOptions, broker, logger, hooks));
    }
  }

  /**
   * Called by Nest. Starts to join the consumer groups; `getStatus(topic).ready` becomes true once the consumer is a member. Passes
   * a failure, such as a ParallelConsumerSetupError, to the callback.
   */
  async listen(callback: (error?: unknown) => void): Promise<void> {
    try {
      await this.start();
    } catch (error) {
      return callback(error);
    }
    callback();
  }

  /** Called by Nest. Takes no more records, waits for running work, commits and leaves the groups. Idempotent. */
  async close(): Promise<void> {
    this.closing ??= this.drain();
    return this.closing;
  }

  /** Returns the status of a topic's consumer, for health, metrics and progress. @throws RangeError for an unknown topic */
  getStatus(topic: string): ParallelConsumerStatus {
    const consumer = this.consumers.get(topic);
    if (consumer === undefined)
      throw new RangeError(`topic must be one of ${[...this.consumers.keys()].join(', ')}, got ${topic}`);
    return consumer.engine.status;
  }

  /** Returns the engines by topic: `server.unwrap<ReadonlyMap<string, ParallelConsumer>>()`. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the base class declares it
  override unwrap<T = ReadonlyMap<string, ParallelConsumer>>(): T {
    return new Map([...this.consumers].map(([topic, { engine }]) => [topic, engine])) as T;
  }

  /** Always throws: this transport has no events. Use `status`, the server's states, or `getStatus`, the status of a consumer. */
  override on(): never {
    throw new ParallelConsumerSetupError(
      'no-events',
      'This transport has no events: subscribe to `status`, or read `getStatus(topic)`.',
    );
  }

  private async start(): Promise<void> {
    const byNest = [...this.consumers].flatMap(([topic, { isHandledByNest }]) => (isHandledByNest ? topic : []));
    const handlers = eventHandlers(this.messageHandlers, byNest);
    this._status$.next('starting');
    try {
      for (const [topic, consumer] of this.consumers) await consumer.start(handlers.get(topic));
    } catch (error) {
      // Consumers that have started must not keep running in an application that failed to start.
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
    if (failures.length > 0)
      throw failures.length === 1
        ? failures[0]
        : new AggregateError(failures, `${failures.length} consumers failed to drain`);
  }

  /** Runs the work between Nest's hooks. Only the work decides the attempt's outcome, not a hook's return value. */
  private async runBetweenHooks(context: ParallelConsumerContext, work: () => Promise<void>): Promise<void> {
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
      // A hook that fails before the work fails the attempt. After the work the attempt is already settled.
      if (started instanceof Promise) started.catch(reject);
    });
  }
}

/** JavaScript has no compiler that would find a misspelt option. Those of the topics are checked by the engine. */
function requireKnownOptions(options: unknown): void {
  if (typeof options !== 'object' || options === null)
    throw new TypeError(`the options must be an object, got ${String(options)}`);
  const unknown = Object.keys(options).find((name) => !OPTIONS.includes(name));
  if (unknown !== undefined) throw new TypeError(`${unknown} is not an option. The options are ${OPTIONS.join(', ')}`);
  if (!('kafka' in options)) throw new TypeError('kafka is missing');
}

function requireOwnGroups({ topics }: Partial<ParallelConsumerServerOptions>): void {
  const groups = new Map<string, string>();
  for (const [topic, { groupId }] of Object.entries(topics ?? {})) {
    if (typeof groupId !== 'string' || groupId === '')
      throw new ParallelConsumerSetupError('no-group', `The topic ${topic} has no groupId: give it one.`);
    const other = groups.get(groupId);
    if (other !== undefined)
      throw new ParallelConsumerSetupError(
        'group-shared',
        `The topics ${other} and ${topic} have the same groupId ${groupId}. Give each topic its own groupId.`,
      );
    groups.set(groupId, topic);
  }
  if (groups.size === 0)
    throw new ParallelConsumerSetupError('no-topics', '`topics` is empty: add at least one topic.');
}

function connect(
  topic: string,
  { groupId, fetching }: TopicOptions,
  kafka: Kafka | BrokerFactory,
  logger: EngineLogger,
): Broker {
  const options = { topic, groupId, logger, ...fetching };
  return typeof kafka === 'function' ? kafka(options) : new KafkajsBroker({ ...options, kafka });
}
