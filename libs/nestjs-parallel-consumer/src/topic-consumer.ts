import { isObservable, lastValueFrom, type Observable } from 'rxjs';
import {
  type Broker,
  type Attempt,
  type EngineLogger,
  ParallelConsumer,
  type ConsumedRecord,
} from '@orders-pipeline/parallel-consumer';
import { DeserializationError, parsedValue, type Deserializer } from './deserializer.js';
import type { EventHandler } from './event-handlers.js';
import { classifyNestFailure, withDeserialization } from './nest-failure.js';
import { ParallelConsumerContext } from './parallel-consumer-context.js';
import type { TopicOptions } from './server-options.js';

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
