export { connectKafka, KAFKA_RETRY, reliableProducer, type KafkaOptions } from './kafkajs-client.js';
export { KafkajsBroker, type KafkajsBrokerOptions } from './kafkajs-broker.js';
export { KafkajsConnections } from './kafkajs-connections.js';
export { LazyAdmin } from './lazy-admin.js';
export { OpenTransactionError, RecordReader } from './record-reader.js';
export {
  ReliableProducer,
  type Acknowledgement,
  type ProducerClient,
  type ReliableProducerOptions,
} from '../kafka/reliable-producer.js';
export { UnknownPartitionError, type CountPartitions } from '../kafka/unknown-partition.js';
export type { KafkaApi } from '../protocol/kafka-api.js';
export type { WireReader } from '../protocol/wire-reader.js';
export type { WireWriter } from '../protocol/wire-writer.js';
