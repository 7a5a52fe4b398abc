import { Partitioners } from '#parallel-consumer/kafka/kafkajs.js';
import { ORDERS_TOPIC } from './topics.js';

/** The partition that any Kafka client gives the key (murmur2), so that other producers keep an account's order too. */
export function javaCompatiblePartitioner(partitions: number): (key: string) => number {
  const partition = Partitioners.DefaultPartitioner();
  const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({
    partitionId,
    leader: 0,
    partitionErrorCode: 0,
    replicas: [],
    isr: [],
  }));
  return (key) => partition({ topic: ORDERS_TOPIC, partitionMetadata, message: { key, value: null } });
}
