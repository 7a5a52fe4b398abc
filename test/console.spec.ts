import { describe } from '@jest/globals';
import { badInputSpecs, originSpecs } from './console/bad-input.js';
import { pipelineStateSpecs } from './console/pipeline-state.js';
import { TestSystem } from './support/test-system.js';
import { sharedPipeline } from './support/shared-pipeline.js';

/** A consumer saves 400 orders/s with this limit, which a slow machine reaches too. */
const LIMITS = { partitions: 3, inFlight: 200 };
/** The backlog of a populate without an end: twenty seconds' work of one consumer. */
const LAG_CEILING = 8_000;

describe('a pipeline with a console', () => {
  const { partitions, inFlight } = LIMITS;
  const flags = ['--partitions', `${partitions}`, '--save-ms', '0..1000', '--in-flight', `${inFlight}`];
  const pipeline = sharedPipeline(async () => TestSystem.start({ env: { LAG_CEILING: `${LAG_CEILING}` }, flags }));

  describe('the console', () => {
    pipelineStateSpecs(pipeline, LIMITS);
  });
  describe('the origin of the console', () => {
    originSpecs(pipeline);
  });
  describe('bad input', () => {
    badInputSpecs(pipeline);
  });
});
