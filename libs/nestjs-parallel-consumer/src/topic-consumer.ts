import { BaseRpcContext } from '@nestjs/microservices';
import { HttpException, HttpStatus } from '@nestjs/common';
import { isObservable, lastValueFrom, type Observable } from 'rxjs';
import {
  type Attempt,
  type ConsumedRecord,
  classifyByNetworkCode,
  type FailureClassifier,
  type EngineLogger,
  type ParallelConsumerOptions,
  type RecordHandler,
  type Broker,
  ParallelConsumer,
} from '@orders-pipeline/parallel-consumer';
import type { KafkaBrokerOptions } from '@orders-pipeline/parallel-consumer/kafkajs';

/** The `@Ctx()` argument of a handler: the record as read, and the attempt. One object per attempt. */
export class ParallelConsumerContext extends BaseRpcContext<[ConsumedRecord, Attempt]> {
  constructor(
    /** Key, value and headers as raw bytes, with topic, partition, offset and timestamp. */
    readonly record: ConsumedRecord,
    /** `number`: 1 for the first attempt. `signal`: aborts when the consumer no longer waits; pass it to cancellable operations. */
    readonly attempt: Attempt,
  ) {
    super([record, attempt]);
  }
}

/**
 * Converts a record to the payload that pipes validate and `@Payload()` injects. It may return a promise.
 * When it throws, the record is invalid (`poison`): it is dead-lettered immediately, and the handler does not run. Only a network error, such
 * as an unavailable schema registry, counts as an `environment` failure: the record is then retried without limit.
 */
export type Deserializer = (record: ConsumedRecord) => unknown;

/**
 * Returns the value's bytes: a `Buffer`, or `null` for a tombstone. Suits Avro and Protobuf. The bytes are a copy, because a
 * record's bytes can be part of the buffer of its whole fetch, which the payload would keep alive.
 */
export const rawValue: Deserializer = ({ value }) => value && Buffer.from(value);

/** Returns no payload, for handlers that only use the `record` of `@Ctx()`: nothing is parsed or copied. */
export const noPayload: Deserializer = () => undefined;

/**
 * The default deserializer: parses the value like Nest's `ServerKafka`, so that its handlers and pipes work unchanged. It returns
 * - `null` for a record without a value (a tombstone)
 * - the raw bytes when the first byte is 0, as in a schema registry's wire format
 * - parsed JSON when the text begins with `{` or `[`
 * - the text otherwise
 *
 * One difference: invalid JSON throws, so the record is dead-lettered. `ServerKafka` passes it to the handler as a string.
 */
export const parsedValue: Deserializer = (record) => {
  const text = record.valueText;
  if (text === null || text.startsWith('\0')) return rawValue(record);
  return text.startsWith('{') || text.startsWith('[') ? (JSON.parse(text) as unknown) : text;
};

/** Thrown when a deserializer fails; `cause` is its error. */
export class DeserializationError extends Error {
  override readonly name = 'DeserializationError';
  readonly code = 'undeserializable';

  constructor(cause: unknown) {
    super(`the value can't be deserialized: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** Status codes that Nest's validation pipes throw: the payload is invalid, and a retry would fail again. */
const PAYLOAD_AT_FAULT: ReadonlySet<number> = new Set([HttpStatus.BAD_REQUEST, HttpStatus.UNPROCESSABLE_ENTITY]);

/**
 * The default classifier. Network errors (also as a `cause`) are `environment`. A payload that a pipe rejects (an HttpException
 * with status 400 or 422) is `poison`. All other errors are `retriable`, including the `RpcException` of a guard that denies.
 */
export const classifyNestFailure: FailureClassifier = (error) => {
  if (error instanceof HttpException && PAYLOAD_AT_FAULT.has(error.getStatus())) return 'poison';
  return classifyByNetworkCode(error);
};

/** Extends a classifier by deserialization errors, which the handler's own classifier does not know. */
export function withDeserialization(classify: FailureClassifier): FailureClassifier {
  return (error) => {
    if (!(error instanceof DeserializationError)) return classify(error);
    return classifyByNetworkCode(error) === 'environment' ? 'environment' : 'poison';
  };
}

/** The options of one topic: those of the engine, and those that the Nest strategy adds. */
export interface TopicOptions extends Omit<ParallelConsumerOptions, 'handler' | 'logger'> {
  /**
   * The consumer group. Each topic needs its own: kafkajs assigns all topics of a group to all of its members, even to members
   * that did not subscribe to them.
   */
  readonly groupId: string;
  /**
   * Handles the topic's records instead of an `@EventPattern` method, for topics with tens of thousands of records per second:
   * Nest's handler path allocates 5 KB per record. Guards, pipes, interceptors, filters, hooks and `deserializer` do not run.
   */
  readonly handler?: RecordHandler;
  /** Creates the `@Payload()` of a record. Default `parsedValue`, which parses values like Nest's `ServerKafka`. */
  readonly deserializer?: Deserializer;
  /** Default: the server's logger. */
  readonly logger?: EngineLogger;
  /** Session and rebalance timeout, and fetch sizes of this topic's consumer. */
  readonly fetching?: Pick<
    KafkaBrokerOptions,
    'sessionTimeoutMs' | 'rebalanceTimeoutMs' | 'maxBytes' | 'maxBytesPerPartition' | 'maxDecompressedBytes'
  >;
}

/** A handler as built by Nest, with its guards, pipes, interceptors and filters. It resolves to a value or to an Observable. */
export type EventHandler = (payload: unknown, context: ParallelConsumerContext) => Promise<unknown>;

/** Nest's processing hooks around an attempt, for tracing. */
export interface ProcessingHooks {
  /** Whether a hook is set; the application may set one at any time. */
  areSet(): boolean;
  /** Runs the work between the start and the end hook. @throws the work's own error, or that of the start hook */
  runAround(context: ParallelConsumerContext, work: () => Promise<void>): Promise<void>;
}

/** Runs the engine of one topic and passes its records to Nest's handler. */
export class TopicConsumer {
  readonly engine: ParallelConsumer;
  private readonly deserializer: Deserializer;
  /** Whether Nest handles the records, with an `@EventPattern` method. */
  readonly isHandledByNest: boolean;
  private handler: EventHandler = rejectBeforeStart;

  constructor(
    options: TopicOptions,
    broker: Broker,
    logger: EngineLogger,
    private readonly hooks: ProcessingHooks,
  ) {
    const { groupId: _group, deserializer = parsedValue, fetching: _fetching, logger: _own, ...engine } = options;
    this.deserializer = deserializer;
    this.isHandledByNest = options.handler === undefined;
    const handler = options.handler ?? this.handle.bind(this);
    const classify = withDeserialization(engine.classify ?? classifyNestFailure);
    this.engine = new ParallelConsumer({ ...engine, handler, classify, logger }, broker);
  }

  /** Starts the engine. @param handler the topic's `@EventPattern` method; `undefined` when the options have a handler */
  async start(handler?: EventHandler): Promise<void> {
    if (handler !== undefined) this.handler = handler;
    await this.engine.start();
  }

  /**
   * Handles one record through Nest. This is the hot path: tens of thousands of records per second, thousands at once. It avoids
   * `async` functions and per-record closures: each stays alive until the work ends, and every minor garbage collection copies it.
   */
  private handle(record: ConsumedRecord, attempt: Attempt): Promise<void> {
    const context = new ParallelConsumerContext(record, attempt);
    const payload = this.deserialize(record);
    if (payload instanceof Promise) return wrapRejection(payload).then(async (value) => this.work(value, context));
    return this.work(payload, context);
  }

  private work(payload: unknown, context: ParallelConsumerContext): Promise<void> {
    if (!this.hooks.areSet()) return this.handler(payload, context).then(completion);
    return this.hooks.runAround(context, async () => completion(await this.handler(payload, context)));
  }

  private deserialize(record: ConsumedRecord): unknown {
    try {
      return this.deserializer(record);
    } catch (error) {
      throw new DeserializationError(error);
    }
  }
}

/** Waits until an Observable completes: the record is done then, not at the first value. */
function completion(result: unknown): Promise<void> | void {
  if (isObservable(result)) return lastValueFrom(result as Observable<void>, { defaultValue: undefined });
}

async function wrapRejection(payload: Promise<unknown>): Promise<unknown> {
  try {
    return await payload;
  } catch (error) {
    throw new DeserializationError(error);
  }
}

async function rejectBeforeStart(): Promise<never> {
  throw new Error('a record arrived before the consumer was started');
}
