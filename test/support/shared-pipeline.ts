import { afterAll, beforeAll } from '@jest/globals';
import { Pipeline } from './pipeline.js';

/**
 * Runs one pipeline for all specs of the calling `describe`, since a start costs eight seconds of CPU time. The specs run one after another
 * and see the data of those before them.
 * @param start starts it before the first spec; it is stopped after the last
 * @returns a function that `beforeAll` and specs call to get it
 */
export function sharedPipeline(start: () => Promise<Pipeline>): () => Pipeline {
  let pipeline: Pipeline | undefined;

  beforeAll(async () => {
    pipeline = await start();
  });

  afterAll(async () => {
    await pipeline?.end();
  });

  return () => {
    if (pipeline === undefined)
      throw new Error('the pipeline is available only while specs run, not in the body of a describe');
    return pipeline;
  };
}
