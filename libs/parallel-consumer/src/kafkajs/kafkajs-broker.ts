import type { Kafka } from 'kafkajs';
import { checkBrokerOptions, type KafkaBrokerOptions } from '../kafka/kafka-broker-options.js';
import { KafkaBroker } from '../kafka/kafka-broker.js';
import { client, reliableProducer } from './kafkajs-client.js';
import { KafkajsConnections } from './kafkajs-connections.js';

export interface KafkajsBrokerOptions extends KafkaBrokerOptions {
  /** From `connectKafka`. */
  readonly kafka: Kafka;
}

/** The engine's broker for a real Kafka, over kafkajs's connections. */
export class KafkajsBroker extends KafkaBroker {
  /** @throws TypeError or RangeError that names a wrong option */
  constructor(given: KafkajsBrokerOptions) {
    checkBrokerOptions(given, { kafka: client });
    const { kafka, ...options } = given;
    const { logger } = options;
    super(options, {
      connect: () => new KafkajsConnections(kafka),
      createProducer: () => reliableProducer(kafka, logger),
    });
  }
}
