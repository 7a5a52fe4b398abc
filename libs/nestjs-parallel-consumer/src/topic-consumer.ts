import { isObservable, lastValueFrom } from 'rxjs';
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
  private handler: EventHandler = beforeStart;

  constructor(
    options: TopicOptions,
    broker: Broker,
    logger: EngineLogger,
    private readonly hooks: ProcessingHooks,
  ) {
    const { groupId: _group, deserializer = parsedValue, fetching: _fetching, logger: _own, ...engine } = options;
    this.deserializer = deserializer;
    const handler = this.handle.bind(this);
    const classify = withDeserialization(engine.classify ?? classifyNestFailure);
    this.engine = new ParallelConsumer({ ...engine, handler, classify, logger }, broker);
  }

  async start(handler: EventHandler): Promise<void> {
    this.handler = handler;
    await this.engine.start();
  }

  /**
   * The path of every record: tens of thousands a second, and thousands at once. Each promise and each closure in it lives as
   * long as the work, and many of them cost the garbage collector more than making them does: there is one frame only.
   */
  private async handle(record: ConsumedRecord, attempt: Attempt): Promise<void> {
    let payload = this.payloadOf(record);
    if (payload instanceof Promise) payload = await refusing(payload);
    const context = new ParallelConsumerContext(record, attempt);
    if (this.hooks.areSet())
      return this.hooks.round(context, async () => completion(await this.handler(payload, context)));
    const result = await this.handler(payload, context);
    if (isObservable(result)) await completion(result);
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
async function completion(result: unknown): Promise<void> {
  if (isObservable(result)) await lastValueFrom(result, { defaultValue: undefined });
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
