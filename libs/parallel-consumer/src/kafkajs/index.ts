export { connectKafka, KAFKA_RETRY, reliableProducer, type KafkaOptions } from './kafkajs-client.js';
export { KafkajsBroker, type KafkajsBrokerOptions } from './kafkajs-broker.js';
export { LazyAdmin } from './lazy-admin.js';
export { RecordReader } from './record-reader.js';
export {
  ReliableProducer,
  type Acknowledgement,
  type ProducerClient,
  type ReliableProducerOptions,
} from '../kafka/reliable-producer.js';
