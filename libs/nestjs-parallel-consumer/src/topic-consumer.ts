import { isObservable, lastValueFrom, type Observable } from 'rxjs';
import type { Broker } from '../../parallel-consumer/src/kafka/broker.js';
import type { Attempt, EngineLogger } from '../../parallel-consumer/src/options.js';
import { ParallelConsumer } from '../../parallel-consumer/src/parallel-consumer.js';
import type { ConsumedRecord } from '../../parallel-consumer/src/record.js';
import { DeserializationError, parsedValue, type Deserializer } from './deserializer.js';
import type { EventHandler } from './event-handlers.js';
import { classifyNestFailure, withDeserialization } from './nest-failure.js';
import { ParallelConsumerContext } from './parallel-consumer-context.js';
import type { TopicOptions } from './server-options.js';

/** Nest's hooks round an attempt, for tracing. */
export interface ProcessingHooks {
  /** Whether anybody has set one: it may be set at any time. */
  areSet(): boolean;
  /** Runs the work between them. @throws what the work threw */
  round(context: ParallelConsumerContext, work: () => Promise<void>): Promise<void>;
}

/** One topic's engine, and the way of its records through Nest. */
export class TopicConsumer {
  readonly engine: ParallelConsumer;
  private readonly deserializer: Deserializer;
  /** Whether its records go through Nest, to an `@EventPattern` method. */
  readonly isHandledByNest: boolean;
  private handler: EventHandler = beforeStart;

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

  /** @param handler of its `@EventPattern` method; `undefined` where the options have the handler */
  async start(handler?: EventHandler): Promise<void> {
    if (handler !== undefined) this.handler = handler;
    await this.engine.start();
  }

  /**
   * The path of every record through Nest: tens of thousands a second, and thousands at once. The garbage collector copies whatever is
   * kept until the work ends, so an async function's frame, and a closure, would cost more than all that is done here.
   */
  private handle(record: ConsumedRecord, attempt: Attempt): Promise<void> {
    const context = new ParallelConsumerContext(record, attempt);
    const payload = this.payloadOf(record);
    if (payload instanceof Promise) return refusing(payload).then(async (value) => this.work(value, context));
    return this.work(payload, context);
  }

  private work(payload: unknown, context: ParallelConsumerContext): Promise<void> {
    if (!this.hooks.areSet()) return this.handler(payload, context).then(completion);
    return this.hooks.round(context, async () => completion(await this.handler(payload, context)));
  }

  private payloadOf(record: ConsumedRecord): unknown {
    try {
      return this.deserializer(record);
    } catch (error) {
      throw new DeserializationError(error);
    }
  }
}

/** The record is done when all of the stream is, not at its first value. */
function completion(result: unknown): Promise<void> | void {
  if (isObservable(result)) return lastValueFrom(result as Observable<void>, { defaultValue: undefined });
}

async function refusing(payload: Promise<unknown>): Promise<unknown> {
  try {
    return await payload;
  } catch (error) {
    throw new DeserializationError(error);
  }
}

async function beforeStart(): Promise<never> {
  throw new Error('a record came before the start');
}
