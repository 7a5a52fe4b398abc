import { describe } from '@jest/globals';
import { badInputSpecs } from './console-origin/bad-input.js';
import { consolePageSpecs } from './console-origin/console-page.js';
import { TestSystem } from './support/test-system.js';
import { sharedPipeline } from './support/shared-pipeline.js';

describe('a pipeline with a console', () => {
  const pipeline = sharedPipeline(async () => TestSystem.start({ flags: ['--save-ms', '0..1'] }));

  // It needs an empty topic.
  describe('bad input', () => {
    badInputSpecs(pipeline);
  });
  describe('the origin of the console', () => {
    consolePageSpecs(pipeline);
  });
});
