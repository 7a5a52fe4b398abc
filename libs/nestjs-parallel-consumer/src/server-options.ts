import type { Broker } from '../../parallel-consumer/src/kafka/broker.js';
import type { KafkajsBrokerOptions } from '../../parallel-consumer/src/kafka/kafkajs-broker.js';
import type { Kafka } from '../../parallel-consumer/src/kafka/kafkajs.js';
import type { EngineLogger, ParallelConsumerOptions, RecordHandler } from '../../parallel-consumer/src/options.js';
import type { Deserializer } from './deserializer.js';

/** How one topic is consumed: the engine's options, and what a strategy adds. */
export interface TopicOptions extends Omit<ParallelConsumerOptions, 'handler' | 'logger'> {
  /**
   * The consumer group. Each topic needs its own: kafkajs deals all topics of a group out to all of its members, also to
   * those that did not subscribe to them.
   */
  readonly groupId: string;
  /**
   * Handles the topic's records itself, instead of an `@EventPattern` method: for topics of tens of thousands of records a second. Nest's
   * handler path makes 5 KB of garbage for each record. Guards, pipes, interceptors, filters, hooks and `deserializer` don't run.
   */
  readonly handler?: RecordHandler;
  /** What `@Payload()` gives. Default `parsedValue`: as Nest's `ServerKafka` reads a value. */
  readonly deserializer?: Deserializer;
  /** Default: the server's. */
  readonly logger?: EngineLogger;
  /** The session time-out and the fetch sizes of this topic's consumer. */
  readonly fetching?: Pick<KafkajsBrokerOptions, 'sessionTimeoutMs' | 'maxBytes' | 'maxBytesPerPartition'>;
}

/** Makes the engine's connection for one topic: in specs, a FakeBroker. */
export type BrokerFactory = (topic: string) => Broker;

export interface ParallelConsumerServerOptions {
  /** The client, best of `connectKafka`, or for specs what stands in for it. */
  readonly kafka: Kafka | BrokerFactory;
  /**
   * The topics, each with its handler: `@EventPattern('the topic', PARALLEL_CONSUMER)`, or the `handler` of its options. Each is a consumer of its own, with its
   * own limits, so that a slow topic doesn't hold up another.
   */
  readonly topics: Readonly<Record<string, TopicOptions>>;
  /** Default: Nest's logger, under the name of the topic. pino's fit as they are. */
  readonly logger?: EngineLogger;
  /** Which handlers are this strategy's, by the second argument of `@EventPattern`. Default `PARALLEL_CONSUMER`. */
  readonly transportId?: symbol;
}
