import { describe } from '@jest/globals';
import { deadLettersSpecs } from './dead-letters/dead-letters.js';
import { redriveSpecs } from './dead-letters/redrive.js';
import { TestSystem } from './support/test-system.js';
import { sharedPipeline } from './support/shared-pipeline.js';

describe('dead letters', () => {
  const pipeline = sharedPipeline(async () => TestSystem.start({ flags: ['--no-console', '--save-ms', '0..1'] }));

  // It needs a database without dead letters.
  describe('redriven dead letters', () => {
    redriveSpecs(pipeline);
  });
  describe('records that can not be saved', () => {
    deadLettersSpecs(pipeline);
  });
});
