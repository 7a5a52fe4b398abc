import { withFunctions } from '../checks/value-checks.js';
import { KafkaBroker, type KafkaBrokerOptions } from '../kafka/kafka-broker.js';
import { reliableProducer, type PlatformaticClient } from './platformatic-client.js';

export interface PlatformaticBrokerOptions extends KafkaBrokerOptions {
  /** From `connectPlatformatic`. */
  readonly client: PlatformaticClient;
}

/** The engine's broker for a real Kafka, over the connections of `@platformatic/kafka`. */
export class PlatformaticBroker extends KafkaBroker {
  /** @throws TypeError or RangeError that names a wrong option */
  constructor({ client, ...options }: PlatformaticBrokerOptions) {
    withFunctions('connections')('client', client);
    super(options, () => ({
      connections: client.connections(),
      producer: reliableProducer(client, options.logger),
    }));
  }
}
