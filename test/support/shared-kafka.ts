import { afterAll, beforeAll } from '@jest/globals';
import type { KafkaSettings } from '../../dev/servers/kafka-settings.js';
import { StandaloneKafka } from './standalone-kafka.js';

/**
 * Runs one Kafka for all specs of the calling `describe`: starts it before the first spec and stops it after the last.
 * @returns a function that specs call to get it
 */
export function sharedKafka(settings: KafkaSettings = {}): () => StandaloneKafka {
  let kafka: StandaloneKafka | undefined;

  beforeAll(async () => {
    kafka = await StandaloneKafka.start(1, settings);
  });

  afterAll(async () => {
    await kafka?.stop();
  });

  return () => {
    if (kafka === undefined) throw new Error('Kafka is available only while specs run, not in the body of a describe');
    return kafka;
  };
}
