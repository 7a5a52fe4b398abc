import { describe } from '@jest/globals';
import { orderQueriesSpecs } from './queries/order-queries.js';
import { readingSpecs } from './queries/reading.js';
import { summariesSpecs } from './queries/summaries.js';
import { TestSystem } from './support/test-system.js';
import { sharedPipeline } from './support/shared-pipeline.js';

describe('the query API', () => {
  const pipeline = sharedPipeline(async () => TestSystem.start({ flags: ['--no-console', '--save-ms', '0..100'] }));

  describe('an order query', () => {
    orderQueriesSpecs(pipeline);
  });
  describe('a summary of the saved orders', () => {
    summariesSpecs(pipeline);
  });
  describe('reading saved orders', () => {
    readingSpecs(pipeline);
  });
});
