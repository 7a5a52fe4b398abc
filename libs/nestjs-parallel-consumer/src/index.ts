export {
  PARALLEL_CONSUMER,
  ParallelConsumerServer,
  ParallelConsumerSetupError,
  nestEngineLogger,
  type BrokerFactory,
  type ParallelConsumerServerOptions,
} from './parallel-consumer-server.js';
export {
  classifyNestFailure,
  DeserializationError,
  noPayload,
  ParallelConsumerContext,
  parsedValue,
  rawValue,
  type Deserializer,
  type TopicOptions,
} from './topic-consumer.js';
