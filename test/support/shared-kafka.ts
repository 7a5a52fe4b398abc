import { afterAll, beforeAll } from '@jest/globals';
import type { KafkaSettings } from '../../dev/servers/kafka-server.js';
import { KafkaAlone } from './kafka-alone.js';

/**
 * One Kafka for all specs of the describe that calls this: started before the first, stopped after the last.
 * @returns what gives it to a spec
 */
export function sharedKafka(settings: KafkaSettings = {}): () => KafkaAlone {
  let kafka: KafkaAlone | undefined;

  beforeAll(async () => {
    kafka = await KafkaAlone.start(1, settings);
  }, 120_000);

  afterAll(async () => {
    await kafka?.stop();
  }, 60_000);

  return () => {
    if (kafka === undefined) throw new Error('Kafka is there in specs only, not while they are described');
    return kafka;
  };
}
