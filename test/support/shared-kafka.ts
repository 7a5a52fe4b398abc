import type { KafkaSettings } from '../../dev/servers/kafka.js';
import { shared } from './shared-pipeline.js';
import { StandaloneKafka } from './standalone-kafka.js';

/** Runs one Kafka for all specs of the calling `describe`. @returns a function that specs call to get it */
export function sharedKafka(settings: KafkaSettings = {}): () => StandaloneKafka {
  return shared(async () => StandaloneKafka.start(1, settings));
}
