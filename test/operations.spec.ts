import { describe } from '@jest/globals';
import { commandLineSpecs } from './operations/command-line.js';
import { intakeSpecs } from './operations/intake.js';
import { operationsSpecs } from './operations/operations.js';
import { reconcileSpecs } from './operations/reconcile.js';
import { TestSystem } from './support/test-system.js';
import { sharedPipeline } from './support/shared-pipeline.js';

describe('a pipeline', () => {
  const pipeline = sharedPipeline(async () => TestSystem.start({ flags: ['--no-console', '--save-ms', '0..5'] }));

  describe('operations', () => {
    operationsSpecs(pipeline);
  });
  describe('the intake', () => {
    intakeSpecs(pipeline);
  });
  describe('reconcile', () => {
    reconcileSpecs(pipeline);
  });
  describe('npm run orders', () => {
    commandLineSpecs(pipeline);
  });
});
