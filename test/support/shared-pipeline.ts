import { afterAll, beforeAll } from '@jest/globals';
import { TestSystem } from './test-system.js';

/**
 * Runs one pipeline for all specs of the calling `describe`, since a start costs eight seconds of CPU time. The specs run one after another,
 * in any order, and see each other's data: each has operations of its own, counts only these, and waits for their end.
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
