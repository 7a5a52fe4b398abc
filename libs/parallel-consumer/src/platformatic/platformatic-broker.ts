import { checkBrokerOptions, type KafkaBrokerOptions } from '../kafka/kafka-broker-options.js';
import { KafkaBroker } from '../kafka/kafka-broker.js';
import { connected, reliableProducer, type PlatformaticClient } from './platformatic-client.js';

export interface PlatformaticBrokerOptions extends KafkaBrokerOptions {
  /** From `connectPlatformatic`. */
  readonly client: PlatformaticClient;
}

/** The engine's broker for a real Kafka, over the connections of `@platformatic/kafka`. */
export class PlatformaticBroker extends KafkaBroker {
  /** @throws TypeError or RangeError that names a wrong option */
  constructor(given: PlatformaticBrokerOptions) {
    checkBrokerOptions(given, { client: connected });
    const { client, ...options } = given;
    super(options, {
      connect: () => client.connections(),
      createProducer: () => reliableProducer(client, options.logger),
    });
  }
}
