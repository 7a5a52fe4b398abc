export {
  connectPlatformatic,
  reliableProducer,
  type PlatformaticClient,
  type PlatformaticOptions,
} from './platformatic-client.js';
export { PlatformaticBroker, type PlatformaticBrokerOptions } from './platformatic-broker.js';
export { PlatformaticConnections } from './platformatic-connections.js';
export type { KafkaBrokerOptions } from '../kafka/kafka-broker-options.js';
export type { Rebalancing } from '../kafka/owned-partitions.js';
export { StartOffsetError, type StartAt } from '../kafka/start-positions.js';
export { OpenTransactionError, RecordReader } from '../kafka/record-reader.js';
export { ReliableProducer, type ReliableProducerOptions } from '../kafka/reliable-producer.js';
export type { Acknowledgement } from '../kafka/producer-session.js';
export type { KafkaConnections } from '../kafka/kafka-connections.js';
export { UnknownPartitionError } from '../kafka/unknown-partition.js';
export type { KafkaApi } from '../protocol/kafka-api.js';
export type { WireReader } from '../protocol/wire-reader.js';
export type { WireWriter } from '../protocol/wire-writer.js';
