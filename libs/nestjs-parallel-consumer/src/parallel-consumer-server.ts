import { inspect } from 'node:util';
import type { Kafka } from 'kafkajs';
import { Logger, type ArgumentsHost, type LoggerService } from '@nestjs/common';
import {
  Server,
  type CustomTransportStrategy,
  type MessageHandler,
  BaseRpcExceptionFilter,
} from '@nestjs/microservices';
import { throwError, type Observable } from 'rxjs';
import type {
  Broker,
  EngineLogger,
  State,
  ParallelConsumer,
  ParallelConsumerStatus,
} from '@orders-pipeline/parallel-consumer';
import { type KafkaBrokerOptions, KafkajsBroker } from '@orders-pipeline/parallel-consumer/kafkajs';
import {
  type TopicOptions,
  ParallelConsumerContext,
  TopicConsumer,
  type ProcessingHooks,
  type EventHandler,
} from './topic-consumer.js';

/**
 * - `no-topics`: the options name no topic
 * - `no-group`: a topic has no `groupId`
 * - `group-shared`: two topics have the same consumer group
 * - `topic-without-handler`: a topic of the options has no handler
 * - `handler-without-topic`: a handler's topic is not in the options
 * - `several-handlers`: a topic has more than one handler
 * - `request-response-handler`: a handler uses `@MessagePattern`
 * - `no-events`: `on` was called
 */
export type SetupErrorCode =
  | 'no-topics'
  | 'no-group'
  | 'group-shared'
  | 'topic-without-handler'
  | 'handler-without-topic'
  | 'several-handlers'
  | 'request-response-handler'
  | 'no-events';

/** Thrown at startup when the options and the handlers do not match. The message says how to fix it. */
export class ParallelConsumerSetupError extends Error {
  override readonly name = 'ParallelConsumerSetupError';

  constructor(
    readonly code: SetupErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/** Creates the engine's broker for one topic: that of another client library, or in specs a FakeBroker. */
export type BrokerFactory = (options: KafkaBrokerOptions) => Broker;

/** The topics that a `ParallelConsumerServer` consumes, and the Kafka that has them. */
export interface ParallelConsumerServerOptions {
  /**
   * The kafkajs client, preferably created by `connectKafka`; or a function that creates a broker, such as
   * `(options) => new PlatformaticBroker({ ...options, client })`.
   */
  readonly kafka: Kafka | BrokerFactory;
  /**
   * The topics by name. Each needs a handler: `@EventPattern('the topic', PARALLEL_CONSUMER)`, or the `handler` of its options.
   * Each topic has its own consumer with its own limits, so that a slow topic does not delay another.
   */
  readonly topics: Readonly<Record<string, TopicOptions>>;
  /** Default: a Nest logger with the topic's name as context. A pino logger can be passed directly. */
  readonly logger?: EngineLogger;
  /** Selects this strategy's handlers: the second argument of their `@EventPattern`. Default `PARALLEL_CONSUMER`. */
  readonly transportId?: symbol;
}

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

/**
 * Finds the handler of each topic.
 * @param handlers the handlers that Nest registered with the strategy, by pattern
 * @param topics the topics without a handler in their options
 * @throws ParallelConsumerSetupError unless each topic has exactly one `@EventPattern` handler, and each handler has a topic
 */
export function eventHandlers(
  handlers: ReadonlyMap<string, MessageHandler>,
  topics: readonly string[],
): Map<string, EventHandler> {
  for (const [pattern, { isEventHandler, next }] of handlers) {
    if (isEventHandler !== true)
      throw new ParallelConsumerSetupError(
        'request-response-handler',
        `@MessagePattern(${pattern}): this transport sends no replies. Use @EventPattern, or pass the handler's transport as the second argument of the decorator.`,
      );
    if (!topics.includes(pattern))
      throw new ParallelConsumerSetupError(
        'handler-without-topic',
        `@EventPattern(${pattern}): the topic must be one of those without a \`handler\` option (${topics.join(', ')}). Add it to the strategy's \`topics\`, or pass the handler's transport as the second argument of the decorator.`,
      );
    if (next !== undefined)
      throw new ParallelConsumerSetupError(
        'several-handlers',
        `@EventPattern(${pattern}): a topic can have only one handler, because a record succeeds or fails as a whole. Call the others from one handler, or give each handler its own strategy and consumer group.`,
      );
  }
  return new Map(topics.map((topic) => [topic, findHandler(topic, handlers)]));
}

function findHandler(topic: string, handlers: ReadonlyMap<string, MessageHandler>): EventHandler {
  const handler = handlers.get(topic);
  if (handler === undefined)
    throw new ParallelConsumerSetupError(
      'topic-without-handler',
      `The topic ${topic} has no handler. Add @EventPattern('${topic}', PARALLEL_CONSUMER) to a controller method, or remove the topic from the strategy's \`topics\`.`,
    );
  return handler;
}

let kept = false;

/**
 * Patches Nest so that errors of handlers, guards, pipes and interceptors reach the engine as they were thrown.
 *
 * Nest's default exception filter replaces them by `{ status: 'error', message: 'Internal server error' }`, to hide internals from
 * a remote caller. This transport has no remote caller: the engine needs the error to classify it, and the dead letter reports
 * it. A strategy can't configure that filter, because Nest creates it per handler from the application's configuration. So this
 * function patches Nest's class, once, and only for attempts of this transport, which it recognizes by their context. The
 * application's own exception filters still run first.
 *
 * Rejected: a filter that each application must add. An application that forgets it would silently lose all error reasons.
 */
export function keepRealErrors(): void {
  if (kept) return;
  kept = true;
  const { prototype } = BaseRpcExceptionFilter;
  const original = Object.create(prototype, Object.getOwnPropertyDescriptors(prototype)) as BaseRpcExceptionFilter;
  prototype.catch = function catchForOtherTransports(
    this: BaseRpcExceptionFilter,
    exception: unknown,
    host: ArgumentsHost,
  ): Observable<unknown> {
    if (host.getArgByIndex<unknown>(1) instanceof ParallelConsumerContext) return throwError(() => exception);
    return original.catch.call(this, exception, host);
  };
}

/** Adapts a Nest logger to the engine: each entry is the message, then the details on the same line. */
export function nestEngineLogger(logger: LoggerService): EngineLogger {
  return {
    debug: (details, message) => {
      // Formatting the details of every retry costs more than a disabled level should.
      if (Logger.isLevelEnabled('debug')) logger.debug?.(line(details, message));
    },
    info: (details, message) => void logger.log(line(details, message)),
    warn: (details, message) => void logger.warn(line(details, message)),
    error: (details, message) => void logger.error(line(details, message)),
  };
}

function line(details: object, message: string): string {
  const isEmpty = Object.keys(details).length === 0;
  return isEmpty ? message : `${message} ${inspect(details, { breakLength: Number.POSITIVE_INFINITY })}`;
}
