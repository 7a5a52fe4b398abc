import { afterAll, beforeAll } from '@jest/globals';
import type { TestSystem } from './test-system.js';
import type { KafkaSettings } from '../../dev/servers/kafka.js';
import { StandaloneKafka } from './own-servers.js';

/**
 * Runs one pipeline for all specs of the calling `describe`, since a start costs eight seconds of CPU time. The specs run one after another,
 * in any order, and see each other's data: each has operations of its own, counts only these, and waits for their end.
 * @param start starts it before the first spec; it is stopped after the last
 * @returns a function that `beforeAll` and specs call to get it
 */
export function sharedPipeline(start: () => Promise<TestSystem>): () => TestSystem {
  return shared(start);
}

/** As `sharedPipeline`, for whatever else can be stopped. */
function shared<T extends { stop(): Promise<unknown> }>(start: () => Promise<T>): () => T {
  let started: T | undefined;

  beforeAll(async () => {
    started = await start();
  });

  afterAll(async () => {
    await started?.stop();
  });

  return () => {
    if (started === undefined) throw new Error('it is available only while specs run, not in the body of a describe');
    return started;
  };
}

/** Runs one Kafka for all specs of the calling `describe`. @returns a function that specs call to get it */
export function sharedKafka(settings: KafkaSettings = {}): () => StandaloneKafka {
  return shared(async () => StandaloneKafka.start(1, settings));
}
