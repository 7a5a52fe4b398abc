export { PARALLEL_CONSUMER, ParallelConsumerServer } from './parallel-consumer-server.js';
export type { BrokerFactory, ParallelConsumerServerOptions, TopicOptions } from './server-options.js';
export { ParallelConsumerContext } from './parallel-consumer-context.js';
export { DeserializationError, noPayload, parsedValue, rawValue, type Deserializer } from './deserializer.js';
export { classifyNestFailure } from './nest-failure.js';
export { nestEngineLogger } from './nest-engine-logger.js';
export { ParallelConsumerSetupError } from './setup-error.js';
