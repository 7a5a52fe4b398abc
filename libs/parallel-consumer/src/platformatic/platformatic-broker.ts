import { checkOptions } from '../checks/check-options.js';
import { BROKER_CHECKS, KafkaBroker, REQUIRED_BROKER_OPTIONS, type KafkaBrokerOptions } from '../kafka/kafka-broker.js';
import { connected, reliableProducer, type PlatformaticClient } from './platformatic-client.js';

export interface PlatformaticBrokerOptions extends KafkaBrokerOptions {
  /** From `connectPlatformatic`. */
  readonly client: PlatformaticClient;
}

/** The engine's broker for a real Kafka, over the connections of `@platformatic/kafka`. */
export class PlatformaticBroker extends KafkaBroker {
  /** @throws TypeError or RangeError that names a wrong option */
  constructor(given: PlatformaticBrokerOptions) {
    checkOptions(given, {
      checks: { client: connected, ...BROKER_CHECKS },
      required: ['client', ...REQUIRED_BROKER_OPTIONS],
    });
    const { client, ...options } = given;
    super(options, { connections: client.connections(), producer: reliableProducer(client, options.logger) });
  }
}
