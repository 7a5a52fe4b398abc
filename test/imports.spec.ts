import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe } from '@jest/globals';
import { badImportsSpecs } from './imports/bad-imports.js';
import { importsSpecs } from './imports/imports.js';
import { TestSystem } from './support/test-system.js';
import { sharedPipeline } from './support/shared-pipeline.js';

const MAX_BYTES = 30_000_000;

describe('imports', () => {
  const folder = join(tmpdir(), `orders-import-${randomUUID()}`);
  const pipeline = sharedPipeline(async () => {
    await mkdir(folder);
    const settings = { IMPORT_DIR: folder, IMPORT_MAX_BYTES: String(MAX_BYTES) };
    return TestSystem.start({ env: settings, flags: ['--no-console', '--save-ms', '0..5'] });
  });

  afterAll(async () => rm(folder, { recursive: true, force: true }));

  describe('an import', () => {
    importsSpecs(pipeline, folder);
  });
  describe('a bad import', () => {
    badImportsSpecs(pipeline, MAX_BYTES);
  });
});
