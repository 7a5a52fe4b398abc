import type { Broker, EngineLogger, ParallelConsumerOptions, RecordHandler } from '@orders-pipeline/parallel-consumer';
import type { KafkaBrokerOptions } from '@orders-pipeline/parallel-consumer/kafkajs';
import type { Kafka } from 'kafkajs';
import type { Deserializer } from './deserializer.js';

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
