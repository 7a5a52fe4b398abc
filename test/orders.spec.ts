import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe } from '@jest/globals';
import { badImportsSpecs } from './orders/bad-imports.js';
import { deadLettersSpecs } from './orders/dead-letters.js';
import { importsSpecs } from './orders/imports.js';
import { readingSpecs } from './orders/reading.js';
import { redriveSpecs } from './orders/redrive.js';
import { TestSystem } from './support/test-system.js';
import { sharedPipeline } from './support/shared-pipeline.js';

const MAX_BYTES = 30_000_000;

describe('orders in a pipeline', () => {
  let folder: string;
  const pipeline = sharedPipeline(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orders-import-'));
    const env = { IMPORT_DIR: folder, IMPORT_MAX_BYTES: String(MAX_BYTES) };
    return TestSystem.start({ env, flags: ['--no-console', '--save-ms', '0..5'] });
  });

  afterAll(async () => rm(folder, { recursive: true, force: true }));

  describe('an import', () => {
    importsSpecs(pipeline, () => folder);
  });
  describe('a bad import', () => {
    badImportsSpecs(pipeline, MAX_BYTES);
  });
  describe('records that can not be saved', () => {
    deadLettersSpecs(pipeline);
  });
  describe('redriven dead letters', () => {
    redriveSpecs(pipeline);
  });
  describe('reading saved orders', () => {
    readingSpecs(pipeline);
  });
});
