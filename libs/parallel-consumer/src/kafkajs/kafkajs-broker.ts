import type { Kafka } from 'kafkajs';
import { checkOptions } from '../checks/check-options.js';
import { BROKER_CHECKS, KafkaBroker, REQUIRED_BROKER_OPTIONS, type KafkaBrokerOptions } from '../kafka/kafka-broker.js';
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
    checkOptions(given, {
      checks: { kafka: client, ...BROKER_CHECKS },
      required: ['kafka', ...REQUIRED_BROKER_OPTIONS],
    });
    const { kafka, ...options } = given;
    const { logger } = options;
    super(options, { connections: new KafkajsConnections(kafka), producer: reliableProducer(kafka, logger) });
  }
}
