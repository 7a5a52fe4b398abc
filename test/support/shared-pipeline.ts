import { afterAll, beforeAll } from '@jest/globals';
import { TestSystem } from './test-system.js';

/**
 * Runs one pipeline for all specs of the calling `describe`, since a start costs eight seconds of CPU time. The specs run one after another
 * and see the data of those before them.
 * @param start starts it before the first spec; it is stopped after the last
 * @returns a function that `beforeAll` and specs call to get it
 */
export function sharedPipeline(start: () => Promise<TestSystem>): () => TestSystem {
  let pipeline: TestSystem | undefined;

  beforeAll(async () => {
    pipeline = await start();
  });

  afterAll(async () => {
    await pipeline?.stop();
  });

  return () => {
    if (pipeline === undefined)
      throw new Error('the pipeline is available only while specs run, not in the body of a describe');
    return pipeline;
  };
}
