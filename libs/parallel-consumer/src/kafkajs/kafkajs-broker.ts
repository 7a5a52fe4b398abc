import type { Kafka } from 'kafkajs';
import { withFunctions } from '../checks/value-checks.js';
import { KafkaBroker, type KafkaBrokerOptions } from '../kafka/kafka-broker.js';
import { reliableProducer } from './kafkajs-client.js';
import { KafkajsConnections } from './kafkajs-connections.js';

export interface KafkajsBrokerOptions extends KafkaBrokerOptions {
  /** From `connectKafka`. */
  readonly kafka: Kafka;
}

/** The engine's broker for a real Kafka, over kafkajs's connections. */
export class KafkajsBroker extends KafkaBroker {
  /** @throws TypeError or RangeError that names a wrong option */
  constructor({ kafka, ...options }: KafkajsBrokerOptions) {
    withFunctions('producer', 'consumer', 'admin')('kafka', kafka);
    super(options, () => ({
      connections: new KafkajsConnections(kafka),
      producer: reliableProducer(kafka, options.logger),
    }));
  }
}
