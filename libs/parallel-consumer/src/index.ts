export { ParallelConsumer } from './parallel-consumer.js';
export type { ParallelConsumerOptions } from './options.js';
export type { AttemptOptions } from './attempts/attempt-options.js';
export type { CommitOptions } from './commits/commit-options.js';
export type { LogOptions } from './buffering/log-options.js';
export type { RuntimeOptions } from './events/runtime-options.js';
export type { WindowOptions } from './window/window-options.js';
export type { PauseScope } from './window/pauses.js';
export type { Ordering } from './window/ordering.js';

export type { Attempt, OpenRecord, RecordHandler, TakenRecord } from './attempts/record-handler.js';
export { AttemptAbandonedError, AttemptTimeoutError, AttemptWithdrawnError } from './attempts/running-attempt.js';
export { reportingHandler, type ReportingHandler } from './attempts/reporting-handler.js';
export { batchHandler, type BatchHandlerOptions } from './handlers/batch-handler.js';
export {
  OutputsError,
  produceHandler,
  type OutputProducer,
  type ProducedRecord,
  type ProduceHandlerOptions,
} from './handlers/produce-handler.js';
export { rateLimited, type RateLimit } from './handlers/rate-limited.js';
export { RETRY_HEADERS, retryTopics, type RetryStep, type RetryTopicsOptions } from './handlers/retry-topics.js';
export { HotKeys, type HotKey, type HotKeysOptions } from './handlers/hot-keys.js';
export type { BatchItem, BatchResult } from './handlers/batch-item.js';
export { Batcher, BatchResultsError, type BatchWriter } from './handlers/batcher.js';
export type { BatcherOptions } from './handlers/batch-queue.js';
export { DEAD_LETTER_HEADERS } from './attempts/dead-letter.js';
export { headersToProduce, listHeaders } from './records/record.js';
export type { ConsumedRecord, HeaderValue, OutgoingRecord, Position, RecordHeader } from './records/record.js';

export { classifyByNetworkCode, type FailureClassifier, type FailureKind } from './failures/failure.js';
export { StartedBeforeError } from './failures/started-before.js';
export { RecordsRejectedError } from './failures/records-rejected.js';
export { UnreadableRecordsError, type UnreadableReason } from './records/unreadable-records.js';
export { TopicError, type RequiredTopic } from './topics/topic-error.js';

export type { OldestRecord, ParallelConsumerStatus, PartitionStatus } from './status/status.js';
export { StuckCheck, type StuckCheckOptions } from './status/stuck-check.js';
export { IN_FLIGHT_BOUNDS, type InFlightBound } from './status/in-flight-bound.js';
export type { State } from './status/lifecycle.js';
export type { StoppedPartition, StopReason } from './partition/stopped-partition.js';
export type { SuspensionCause } from './attempts/circuit-breaker.js';
export type {
  RecordTrace,
  RecordTracer,
  SendTrace,
  SendTracer,
  TracedEnd,
  TracedOutcome,
} from './events/record-tracer.js';
export { formatDrain, type DrainReport } from './events/drain-report.js';
export type { EngineLogger } from './events/engine-logger.js';
export type { AttemptOutcome, Observer } from './events/observer.js';

export type {
  Broker,
  BrokerFailure,
  BrokerHealth,
  BrokerListener,
  CommittedPosition,
  FetchedBatch,
  LogProblem,
  ReadPosition,
  ReadResult,
  RejectedPartition,
  TopicPartition,
} from './broker/broker.js';
export { MetadataRejectedError, PartitionsRejectedError } from './broker/broker.js';
export type { BackOff, Clock } from '@orders-pipeline/clock';
